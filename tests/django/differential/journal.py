"""What happened during a request, and where: in the loop, in the request's thread, or elsewhere."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from typing import Any

from django.core import signals
from django.utils import translation

TURNS = 30
"""So many turns of the loop are enough for a client's leaving to become a cancelled task."""

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="")
local = threading.local()


class Journal(logging.Handler):
    """The lines of one request. Parts write it from several threads, but never at once."""

    def __init__(self, leaves_at: str | None) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._leaves_at = leaves_at
        self._loop = asyncio.get_running_loop()
        self._left: asyncio.Event = asyncio.Event()
        self._threads: list[threading.Thread] = []

    @property
    def is_left(self) -> bool:
        """Whether the client has left."""
        return self._left.is_set()

    async def receive_disconnect(self) -> dict[str, Any]:
        """Return when the client leaves."""
        await self._left.wait()
        return {"type": "http.disconnect"}

    def note(self, what: str) -> None:
        """Write a line. A client that leaves at it has left before this returns, in a thread."""
        self._write(what)
        if self._is_left_at(what) and threading.get_ident() != self._loop_thread:
            asyncio.run_coroutine_threadsafe(self._leave(), self._loop).result(20)

    async def note_in_loop(self, what: str) -> None:
        """Write a line; the same for code of the loop."""
        self._write(what)
        if self._is_left_at(what):
            await self._leave()

    def _is_left_at(self, what: str) -> bool:
        """Whether the client leaves at a line, the first that begins so."""
        if self._leaves_at is None or not what.startswith(self._leaves_at):
            return False
        self._leaves_at = None
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Write what is logged."""
        status = getattr(record, "status_code", "")
        self._write(f"log {record.name} {record.levelname} {record.getMessage()} {status}")

    def leave_behind(self) -> None:
        """Set what must not meet the next request, or must reach the rest of this one."""
        variable.set(variable.get() + "+")
        local.value = getattr(local, "value", "") + "+"
        thread: Any = threading.current_thread()
        if threading.get_ident() != self._loop_thread:
            thread.value = getattr(thread, "value", "") + "+"
            translation.activate("de")

    def found(self) -> str:
        """Return what is there of it."""
        thread: Any = threading.current_thread()
        is_loop = threading.get_ident() == self._loop_thread
        left = "" if is_loop else f"{getattr(local, 'value', '')}/{getattr(thread, 'value', '')}"
        return f"[{variable.get()}/{left}/{translation.get_language()}]"

    def __enter__(self) -> Journal:
        self._loop_thread = threading.get_ident()
        for name in ("request_started", "request_finished", "got_request_exception"):
            signal = getattr(signals, name)
            signal.connect(self._receivers.setdefault(name, self._receiver(name)))
        logging.getLogger("django").addHandler(self)
        return self

    def __exit__(self, *exception: object) -> None:
        for name, receiver in self._receivers.items():
            getattr(signals, name).disconnect(receiver)
        logging.getLogger("django").removeHandler(self)

    @property
    def _receivers(self) -> dict[str, Any]:
        return self.__dict__.setdefault("_all_receivers", {})

    def _receiver(self, name: str) -> Any:
        def receive(sender: Any, **named: Any) -> None:
            kind = sender.__name__ if sender is not None else None
            self._write(f"{name} {kind} {sorted(named.keys() - {'signal'})} {self.found()}")

        return receive

    async def _leave(self) -> None:
        self._left.set()
        for _ in range(TURNS):
            await asyncio.sleep(0)

    def _write(self, what: str) -> None:
        self.lines.append(f"{self._place()} {what}")

    def _place(self) -> str:
        if threading.get_ident() == self._loop_thread:
            return "loop"
        thread = threading.current_thread()
        if thread.name.startswith("asyncio"):
            return "other"
        if thread not in self._threads:
            self._threads.append(thread)
        return f"thread {self._threads.index(thread)}"
