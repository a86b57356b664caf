"""The event loop of a casgi process: asyncio's own, with libuv as its selector."""

import asyncio

from casgi import _core


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return a new asyncio loop on which casgi's sockets need no detour through Python."""
    return asyncio.SelectorEventLoop(_core.Selector())
