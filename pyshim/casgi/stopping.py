"""The end of a server: connections and applications, then the lifespan, in one time for all."""

import asyncio
import contextlib
import time

from casgi import _core
from casgi.draining import WebSocketDrain
from casgi.lifespan import Lifespan
from casgi.unfinished import log_unfinished, log_waiting
from casgi.waiting import wait_for_any

# Time for cancelled application tasks to run their finally blocks, and the least for the lifespan.
_ABORT_TIMEOUT = 1.0
# What ends within it is not worth a line.
_AT_ONCE = 0.2


class Stopping:
    """One stop, from its beginning on.

    Attributes:
        was_aborted: whether applications had to be cancelled.

    """

    def __init__(
        self,
        timeout: float | None,
        abort_requested: asyncio.Event,
        spread: float | None = None,
    ) -> None:
        """Take the seconds for all of it, None for no limit, and what ends it at once.

        WebSockets are closed over `spread` seconds.
        """
        self.was_aborted = False
        self._timeout = timeout
        self._began = time.monotonic()
        self._abort_requested = abort_requested
        self._spread = spread

    def seconds_left(self, least: float = 0.0) -> float | None:
        """Return how long it may still take, None for no limit."""
        if self._timeout is None:
            return None
        return max(least, self._timeout - (time.monotonic() - self._began))

    async def drain(self, core: _core.Server, idle: asyncio.Event) -> None:
        """Wait until connections and applications have ended; abort those that do not."""
        wait = Idle(core, idle)
        try:
            await self._close_websockets(core)
            core.shutdown()
            await wait(self._at_once(), self._abort_requested)
            if wait.is_needed() and not self._abort_requested.is_set():
                log_waiting(core, self.seconds_left())
                await wait(self.seconds_left(), self._abort_requested)
            if wait.is_needed() and not self._abort_requested.is_set():
                log_unfinished(core, self._timeout)
        finally:
            if wait.is_needed():
                self.was_aborted = True
                core.abort()
                await wait(_ABORT_TIMEOUT)

    async def end_lifespan(self, lifespan: Lifespan) -> None:
        """Tell the application; give up when the time is over, or is not to be waited for."""
        ending = asyncio.create_task(lifespan.shutdown(self.seconds_left(_ABORT_TIMEOUT)))
        try:
            await wait_for_any(self._abort_requested, tasks=[ending])
            if ending.done():
                ending.result()
        finally:
            if not ending.done():
                ending.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await ending
                await lifespan.cancel()

    async def _close_websockets(self, core: _core.Server) -> None:
        closing = asyncio.create_task(WebSocketDrain(core, self._spread).run(self._abort_requested))
        await asyncio.wait([closing], timeout=self.seconds_left())
        closing.cancel()
        if not closing.cancelled() and closing.done():
            closing.result()

    def _at_once(self) -> float:
        left = self.seconds_left()
        return _AT_ONCE if left is None else min(_AT_ONCE, left)


class Idle:
    """Waits until the core has neither connections nor tasks, which sets the event."""

    def __init__(self, core: _core.Server, idle: asyncio.Event) -> None:
        self._core = core
        self._event = idle

    def is_needed(self) -> bool:
        """Whether there is something left."""
        return bool(self._core.connections or self._core.tasks)

    async def __call__(self, seconds: float | None, *ends: asyncio.Event) -> None:
        """Wait for so many seconds at most, and not after one of the events."""
        self._event.clear()
        if self.is_needed():
            await wait_for_any(self._event, *ends, timeout=seconds)
