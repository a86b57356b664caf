"""Event loops of whoever uses the hub: which one runs here, and being called on another."""

import asyncio
import contextlib
from collections.abc import Callable


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that runs in this thread, or None."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def call_on(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    """Have it called on a loop, from any thread; not on one that is closed, with who waited."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(callback)
