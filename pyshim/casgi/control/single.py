"""The control socket of a single process.

It is served in the loop of a LoopThread, so that it answers while the server's loop is held up.
"""

import os
import time
from typing import Any

from casgi.control.answering import command_of, rows_of
from casgi.control.commands.command import Head
from casgi.control.endpoint import ControlEndpoint, ControlSocket
from casgi.control.process import Process
from casgi.control.protocol import Answer, Arguments, ControlError, Row
from casgi.control.worker_row import worker_row


class SingleHead(Head):
    """The only process, which is its own head."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._started = time.monotonic()

    def worker_rows(self) -> list[Row]:
        """Return the one row."""
        core = self._process.core
        return [
            worker_row(
                worker=1,
                pid=os.getpid(),
                state="serving",
                age=time.monotonic() - self._started,
                connections=core.connections,
                held_up=core.turn_seconds,
                metrics=core.metrics(),
                observed=self._process.observed(),
            )
        ]

    def drain(self, worker: int) -> None:
        """Refuse."""
        raise ControlError(
            "there is one process, and no other could take its place: serve with --workers 2"
        )

    def remember(self, command: str, arguments: Arguments) -> None:
        """Do nothing: no worker comes later."""


class SingleControl:
    """Answers on a control socket, which it takes, in the loop of a LoopThread."""

    def __init__(self, bound: ControlSocket, process: Process) -> None:
        self._process = process
        self._head = SingleHead(process)
        self._bound = bound
        self._endpoint = ControlEndpoint(bound, self._answer)

    async def start(self) -> None:
        """Begin to answer."""
        await self._endpoint.start()

    def close(self) -> None:
        """Answer no more, and remove the socket."""
        self._endpoint.close()
        self._bound.close()

    async def _answer(self, request: dict[str, Any], pid: int) -> Answer:
        command, arguments = command_of(request)
        if command.by_head is not None:
            return {"rows": command.by_head(self._head, arguments), "silent": []}
        target = command.target(arguments)
        if target is not None and target.number != (os.getpid() if target.kind == "PID" else 1):
            raise ControlError(target.is_nobody)
        rows = command.gather(rows_of(self._process, command, arguments), arguments)
        return {"rows": rows, "silent": []}
