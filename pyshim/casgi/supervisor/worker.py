"""One worker, as its supervisor sees it.

starting -- READY --> ready -- serve(), SERVING --> serving -- leave(), stop() --> leaving --> ended
    any -- the process ends --> ended
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from casgi.logging import use_zone
from casgi.signals import blocked
from casgi.supervisor.channel import ZONE, Channel, ToSupervisor, ToWorker
from casgi.supervisor.handover import VARIABLE, Handover, variable_for
from casgi.supervisor.recycling import Limits
from casgi.supervisor.stack_signal import STACK_SIGNAL
from casgi.supervisor.worker_signals import HELD_BACK
from casgi.waiting import wait_for_any

logger = logging.getLogger("casgi.supervisor")

# For a worker to write its stack: by Python (its main thread, or the watchdog's, which looks twice
# a second), and else by a signal handler in C, unless the kernel itself holds it.
_TIME_FOR_PYTHON = 0.6
_TIME_TO_WRITE = 0.5
# For one that was ready in the last moment to say that it serves.
_TIME_TO_SERVE = 1.0
# What a service manager tells the supervisor alone.
_NOT_INHERITED = (
    "NOTIFY_SOCKET",
    "LISTEN_PID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
)


class Worker:
    """A process that serves.

    Attributes:
        seat: its number, which its successor has too.
        slot: of the scoreboard.
        pid: of the process.
        ended: what will be its exit code, negative for a signal's.
        limits: after which it is replaced.
        is_expected_to_end: whether it was told to, or has said so itself.
        is_current: of one that another supervisor has left, whether it had its seat.

    """

    def __init__(
        self, seat: int, slot: int, pid: int, ended: "asyncio.Future[int]", limits: Limits
    ) -> None:
        self.seat = seat
        self.slot = slot
        self.pid = pid
        self.ended = ended
        self.limits = limits
        self.is_expected_to_end = False
        self.is_current = True
        self._ready = asyncio.Event()
        self._serving = asyncio.Event()
        self._zone: str | None = None
        self._channel: Channel | None = None
        self._started_at = time.monotonic()
        self._ended_at: float | None = None
        self._on_leaving: Callable[[Worker], None] | None = None

    @classmethod
    async def inherit(
        cls,
        left: dict[str, Any],
        slot: int,
        ended: "asyncio.Future[int]",
        limits: Limits,
        on_leaving: Callable[["Worker"], None],
    ) -> "Worker":
        """Return one that another supervisor has started in this process."""
        worker = cls(left["seat"], slot, left["pid"], ended, limits)
        worker.is_expected_to_end = left["is_expected_to_end"]
        worker.is_current = left["is_current"]
        worker._started_at = left["started_at"]
        if left["is_ready"]:
            worker._ready.set()
        worker._follow_zone(left.get("zone"))
        worker._on_leaving = on_leaving
        if left["descriptor"] is not None:
            end = socket.socket(fileno=left["descriptor"])
            worker._channel = await Channel.open(end, worker._on_word, lambda: None, left["rest"])
        return worker

    def leave_behind(self, *, is_current: bool) -> dict[str, Any]:
        """Write it down."""
        return {
            "seat": self.seat,
            "slot": self.slot,
            "pid": self.pid,
            "is_expected_to_end": self.is_expected_to_end,
            "started_at": self._started_at,
            "is_ready": self._ready.is_set(),
            "zone": self._zone,
            "is_current": is_current,
            **({"descriptor": None} if self._channel is None else self._channel.leave()),
        }

    def __str__(self) -> str:
        return f"Worker {self.seat + 1} (PID {self.pid})"

    @property
    def age(self) -> float:
        """How many seconds it has lived."""
        return (self._ended_at or time.monotonic()) - self._started_at

    async def connect(self, end: socket.socket, on_leaving: Callable[["Worker"], None]) -> None:
        """Take the supervisor's end of the channel; on_leaving is called when it ends by itself."""
        self._on_leaving = on_leaving
        self._channel = await Channel.open(end, self._on_word, lambda: None)
        if self.is_expected_to_end:
            self.stop()  # It was told so before there was a channel.

    async def is_ready(self, longest: float | None = None) -> bool:
        """Wait for its application; return whether it has started, or the worker has ended.

        One that takes longer than so many seconds from its start is named with its stack, and
        killed.
        """
        return await self._comes_to(self._ready, longest)

    async def serve(self, longest: float | None = None) -> bool:
        """Let it accept connections; return whether it does, or has ended before it did.

        One that takes longer than so many seconds from its start is named with its stack, and
        killed.
        """
        self._say(ToWorker.SERVE)
        return await self._comes_to(self._serving, longest)

    async def _comes_to(self, state: asyncio.Event, longest: float | None) -> bool:
        left = None if longest is None else max(longest - self.age, _TIME_TO_SERVE)
        await wait_for_any(state, tasks=[self.ended], timeout=left)
        if not (state.is_set() or self.ended.done()):
            logger.error("%s has not started in %.1f s, and is killed; it is at", self, longest)
            await self.end_with_stack()
            await asyncio.wait([self.ended])
        return not self.ended.done()

    def leave(self) -> None:
        """Let it end without losing a request: another one has its place."""
        self.is_expected_to_end = True
        self._say(ToWorker.LEAVE)

    def stop(self) -> None:
        """Let it end, as everything does."""
        self.is_expected_to_end = True
        if self._ready.is_set():
            self._say(ToWorker.STOP)
        elif not self.ended.done():
            # While it imports its application it hears no word.
            os.kill(self.pid, signal.SIGTERM)

    def abort(self) -> None:
        """Let it end what is left at once."""
        self._say(ToWorker.ABORT)

    def reopen_logs(self) -> None:
        """Let it open its logs anew."""
        self._say(ToWorker.REOPEN_LOGS)

    async def end_with_stack(self, *unless: asyncio.Event) -> None:
        """Kill it when it has written where it is; at once when one of the events is set."""
        await self.write_stack(*unless)
        await wait_for_any(*unless, tasks=[self.ended], timeout=_TIME_TO_WRITE)
        self.kill()

    async def write_stack(self, *unless: asyncio.Event) -> None:
        """Let it write to standard error where its threads are; not when an event is set."""
        self._ask_for_stack()
        await wait_for_any(*unless, tasks=[self.ended], timeout=_TIME_FOR_PYTHON)
        if not any(event.is_set() for event in unless):
            self._ask_for_stack()

    def kill(self) -> None:
        """End the process whatever it does."""
        if not self.ended.done():
            os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Close the channel of a worker that has ended."""
        self._ended_at = time.monotonic()
        if self._channel is not None:
            self._channel.close()

    def has_ended_as_expected(self) -> bool:
        """Return whether its end was asked for, and nothing went wrong with it."""
        return self.is_expected_to_end and self.ended.result() in (0, -signal.SIGTERM)

    def how_it_ended(self) -> str:
        """Return what to write of its exit code."""
        code = self.ended.result()
        if code >= 0:
            return f"exited with status {code}"
        return f"was ended by {signal.Signals(-code).name}"

    def _ask_for_stack(self) -> None:
        if not self.ended.done():
            os.kill(self.pid, STACK_SIGNAL)

    def _say(self, word: ToWorker) -> None:
        if self._channel is not None:
            self._channel.say(word)

    def _follow_zone(self, name: str | None) -> None:
        """Log in the zone that the worker logs in."""
        self._zone = name
        if name is not None:
            use_zone(name)

    def _on_word(self, word: str) -> None:
        match word:
            case _ if word.startswith(ZONE):
                self._follow_zone(word.removeprefix(ZONE))
            case ToSupervisor.READY.value:
                self._ready.set()
            case ToSupervisor.SERVING.value:
                self._serving.set()
            case ToSupervisor.LEAVING.value if not self.is_expected_to_end:
                self.is_expected_to_end = True
                if self._on_leaving is not None:
                    self._on_leaving(self)


def own_command() -> list[str]:
    """Return the command that has started this process."""
    return [sys.executable, *sys.orig_argv[1:]]


def environment_of_workers() -> dict[str, str]:
    """Return this process's environment without what is for it alone."""
    return {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}


def spawn(handover: Handover) -> tuple[int, socket.socket]:
    """Start the command of this process anew as a worker; return its PID and our end.

    Raise OSError when the system has no process or memory for it.
    """
    ours, theirs = socket.socketpair()
    with theirs, contextlib.ExitStack() as until_started:
        until_started.callback(ours.close)
        with blocked(HELD_BACK):
            process = subprocess.Popen(
                own_command(),
                env={**environment_of_workers(), VARIABLE: variable_for(theirs)},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno(), *handover.descriptors()],
            )
        # Children waits for it instead, and a Popen that is dropped would complain.
        process.returncode = 0
        handover.send(ours)
        until_started.pop_all()
    ours.setblocking(False)
    return process.pid, ours
