"""The control socket of a single process.

It is served on a thread of its own, so that it answers while the server's event loop is held up.
"""

import asyncio
import contextlib
import os
import threading
import time
from typing import Any

from casgi.control.answering import command_of, rows_of
from casgi.control.commands.command import Head
from casgi.control.endpoint import ControlEndpoint, ControlSocket
from casgi.control.process import Process
from casgi.control.protocol import Answer, Arguments, ControlError, Row
from casgi.control.worker_row import worker_row

_START_SECONDS = 5.0


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
                held_up=None,
                metrics=core.metrics(),
            )
        ]

    def drain(self, worker: int) -> None:
        """Refuse."""
        raise ControlError(
            "there is one process, and no other could take its place: serve with --workers 2"
        )

    def remember(self, command: str, arguments: Arguments) -> None:
        """Do nothing: no worker comes later."""


class ControlThread:
    """Answers on a control socket, which it takes, until it is closed."""

    def __init__(self, bound: ControlSocket, process: Process) -> None:
        self._process = process
        self._head = SingleHead(process)
        self._endpoint = ControlEndpoint(bound, self._answer)
        self._bound = bound
        self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=self._run, name="casgi control", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Answer no more, and remove the socket. Can be called again."""
        with contextlib.suppress(RuntimeError):  # Its loop is closed.
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_SECONDS)
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

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._endpoint.start())
            self._loop.run_forever()
            self._endpoint.close()
        finally:
            self._loop.close()
