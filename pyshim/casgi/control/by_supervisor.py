"""What a supervisor answers on its control socket: by itself, or by asking the workers.

A worker calls in at the same socket (`calling_in`); its connection is then used the other way.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from casgi.control.answering import command_of
from casgi.control.commands.command import Command, Head, Target
from casgi.control.commands.log_level import LOG_LEVEL, set_level
from casgi.control.protocol import (
    Answer,
    Arguments,
    ControlError,
    Row,
    decode,
    encode,
)
from casgi.control.worker_row import worker_row
from casgi.supervisor.worker import Worker
from casgi.supervisor.workers import Workers
from casgi.waiting import wait_for_any

# Longer than a process waits for its own loop.
_SECONDS = 4.0


class WorkerLink:
    """The connection of a worker that has called in; one question at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._asking = asyncio.Lock()
        self._owed = 0
        self.ended = asyncio.Event()

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer; raise ControlError when there is none in time."""
        try:
            async with asyncio.timeout(_SECONDS), self._asking:
                self._writer.write(encode(request))
                self._owed += 1
                while True:
                    line = await self._reader.readuntil(b"\n")
                    self._owed -= 1
                    # Before it come those that were not waited for.
                    if self._owed == 0:
                        return decode(line)
        except TimeoutError:
            raise ControlError("does not answer: no other code runs in it") from None
        except (OSError, EOFError, asyncio.LimitOverrunError):
            self.ended.set()
            raise ControlError("has just ended") from None


class SupervisorHead(Head):
    """The supervisor, as the commands see it."""

    def __init__(self, workers: Workers, drain: Callable[[int], bool]) -> None:
        """Take what replaces the worker of a number, and says whether there is one."""
        self._workers = workers
        self._drain = drain
        self._links: dict[int, WorkerLink] = {}
        self._remembered: dict[tuple[str, str], Arguments] = {}

    # --- The workers ---

    async def take_worker(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pid: int
    ) -> None:
        """Ask a worker by this connection until it ends."""
        worker = next((each for each in self._workers if each.pid == pid), None)
        if worker is None:
            raise ControlError(f"process {pid} is no worker")
        link = self._links[pid] = WorkerLink(reader, writer)
        try:
            for (name, _), arguments in list(self._remembered.items()):
                await link.ask({"command": name, "arguments": arguments})
            await wait_for_any(link.ended, tasks=[worker.ended])
        finally:
            if self._links.get(pid) is link:
                del self._links[pid]

    def worker_rows(self) -> list[Row]:
        """Return what the scoreboard says."""
        return [self._row(worker) for worker in self._in_order()]

    def drain(self, worker: int) -> None:
        """Have a worker replaced."""
        if not self._drain(worker):
            raise ControlError(f"there is no worker {worker}, or it is being replaced already")

    def remember(self, command: str, arguments: Arguments) -> None:
        """Keep what every worker that calls in later is asked for."""
        what = str(arguments.get("limit") or arguments.get("logger"))
        self._remembered[command, what] = arguments

    def _in_order(self) -> list[Worker]:
        return sorted(self._workers, key=lambda worker: (worker.seat, worker.pid))

    def _row(self, worker: Worker) -> Row:
        condition = self._workers.slots.condition(worker.slot)
        state = "leaving" if condition.is_leaving else "starting"
        return worker_row(
            worker=worker.seat + 1,
            pid=worker.pid,
            state="serving" if condition.is_serving else state,
            age=worker.age,
            connections=condition.connections,
            held_up=condition.busy,
            metrics=condition.metrics,
            observed=self._workers.slots.observed_of(worker.slot),
        )

    # --- Answering ---

    async def answer(self, request: dict[str, Any], pid: int) -> Answer:
        """Return the answer of the supervisor, or of all workers together."""
        command, arguments = command_of(request)
        if command.by_head is not None:
            return {"rows": command.by_head(self, arguments), "silent": []}
        asked = list(self._targets(command.target(arguments)))
        answers = await asyncio.gather(*(self._ask(worker, request) for worker in asked))
        if command.is_remembered and any("rows" in answer for answer in answers):
            self.remember(command.name, arguments)
            if command is LOG_LEVEL:
                set_level(arguments)
        return self._gathered(command, arguments, asked, answers)

    def _gathered(
        self, command: Command, arguments: Arguments, asked: list[Worker], answers: list[Answer]
    ) -> Answer:
        rows = [row for answer in answers for row in answer.get("rows", ())]
        errors = [answer["error"] for answer in answers if "error" in answer]
        silent = [
            f"{worker} {answer['silent']}"
            for worker, answer in zip(asked, answers, strict=True)
            if "silent" in answer
        ]
        if errors and not rows:
            raise ControlError(errors[0])
        if not rows and silent and len(silent) == len(asked):
            raise ControlError("; ".join(silent))
        return {"rows": command.gather(rows, arguments), "silent": [*silent, *errors]}

    def _targets(self, target: Target | None) -> Iterable[Worker]:
        asked = [
            worker
            for worker in self._in_order()
            if target is None
            or (worker.pid if target.kind == "PID" else worker.seat + 1) == target.number
        ]
        if not asked:
            raise ControlError("there is no worker" if target is None else target.is_nobody)
        return asked

    async def _ask(self, worker: Worker, request: dict[str, Any]) -> Answer:
        link = self._links.get(worker.pid)
        if link is None:
            return {"silent": "has not called in yet: it is about to start, or to end"}
        try:
            return await link.ask(request)
        except ControlError as error:
            condition = self._workers.slots.condition(worker.slot)
            held = f", its turn lasts for {condition.busy:.1f} s" if condition.busy > 1 else ""
            if request.get("command") == "stacks":
                await worker.write_stack()
                held += "; its stacks are written to its standard error"
            return {"silent": f"{error}{held}"}
