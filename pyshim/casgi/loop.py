"""The event loop of a casgi process: asyncio's own, with libuv as its selector."""

import asyncio

from casgi import _core


class EventLoop(asyncio.SelectorEventLoop):
    """asyncio's loop, which other threads wake by libuv instead of by a pair of sockets.

    Signals still come by these, and so does what libuv cannot wake.
    """

    def __init__(self) -> None:
        """Make it with a selector of its own."""
        selector = _core.Selector()
        self._unblock = selector.unblock
        super().__init__(selector)

    def _write_to_self(self) -> None:
        if not self._unblock():
            super()._write_to_self()  # type: ignore[misc]


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return a new asyncio loop on which casgi's sockets need no detour through Python."""
    return EventLoop()
