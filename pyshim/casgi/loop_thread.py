"""A thread with an event loop of its own, beside the one that may be held up by the application."""

import asyncio
import contextlib
import threading
from typing import Protocol

_JOIN_SECONDS = 5.0


class Answering(Protocol):
    """What answers in a loop."""

    async def start(self) -> None:
        """Begin to answer in the running loop."""

    def close(self) -> None:
        """Answer no more; also when it has not begun to."""


class LoopThread:
    """Has something answer in its loop, from start() to close()."""

    def __init__(self, answering: Answering, name: str) -> None:
        """Take what answers, and the thread's name."""
        self._answering = answering
        self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Answer no more. Can be called again."""
        with contextlib.suppress(RuntimeError):  # Its loop is closed.
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_JOIN_SECONDS)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._answering.start())
            self._loop.run_forever()
        finally:
            self._answering.close()
            self._loop.close()
