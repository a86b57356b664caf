"""The event loop of a casgi process: asyncio's own, with libuv as its selector."""

import asyncio
from collections.abc import Callable
from typing import Any

from casgi import _core


class EventLoop(asyncio.SelectorEventLoop):
    """asyncio's loop, which other threads wake by its selector, not by a pair of sockets.

    Signals still come by these, and so does what the selector cannot wake.
    """

    def __init__(self) -> None:
        """Make it with a selector of its own."""
        selector = _core.Selector()
        self._unblock = selector.unblock
        super().__init__(selector)

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Run a call there, as asyncio does; an executor of ours answers the loop without detour.

        Such a one has `submit_from_loop(loop, func, args)`, which returns a future of the loop.
        """
        submit = getattr(executor, "submit_from_loop", None)
        if submit is None or self.get_debug():
            return super().run_in_executor(executor, func, *args)
        self._check_closed()  # type: ignore[attr-defined]
        future: asyncio.Future[Any] = submit(self, func, args)
        return future

    def _write_to_self(self) -> None:
        if not self._unblock():
            super()._write_to_self()  # type: ignore[misc]


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return a new asyncio loop on which casgi's sockets need no detour through Python."""
    return EventLoop()
