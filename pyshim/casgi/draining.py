"""Closing many WebSockets without a rush: spread over a time, and few handlers at once."""

import asyncio
import time

from casgi import _core
from casgi.waiting import wait_for_any

# So many a second are no rush, however long the time is.
_LEAST_RATE = 200.0
# Disconnect handlers that run at once: each may want a thread, or a connection of a database.
_MOST_AT_ONCE = 100
# Handlers of which none ends for so long are not waited for.
_PATIENCE = 0.5
_INTERVAL = 0.005


class WebSocketDrain:
    """Closes the WebSockets of a server with 1012."""

    def __init__(self, core: _core.Server, seconds: float | None) -> None:
        """Take over how many seconds to spread them; None is for all that are there at once."""
        self._core = core
        self._seconds = seconds or 0.0
        self._began = time.monotonic()
        self._tasks = core.tasks
        self._count = core.websockets
        self._closed = 0
        self._ended = 0
        self._progress_at = self._began

    async def run(self, *until: asyncio.Event) -> None:
        """Close one after the other; return when none is left, or one of the events is set."""
        while not any(event.is_set() for event in until):
            wanted = min(self._due() - self._closed, _MOST_AT_ONCE - self._running())
            if wanted > 0:
                closed = self._core.close_websockets(wanted)
                self._closed += closed
                if closed < wanted:
                    return
            else:
                await wait_for_any(*until, timeout=_INTERVAL)

    def _due(self) -> int:
        """Return how many should have been closed by now."""
        if self._seconds == 0.0:
            return self._count + 1  # One more than there are, to see that none is left.
        rate = max(_LEAST_RATE, self._count / self._seconds)
        return 1 + int((time.monotonic() - self._began) * rate)

    def _running(self) -> int:
        """Return about how many handlers of those that were closed are worth waiting for."""
        now, ended = time.monotonic(), max(0, self._tasks - self._core.tasks)
        if ended > self._ended:
            self._ended, self._progress_at = ended, now
        elif now - self._progress_at > _PATIENCE:
            self._ended, self._progress_at = self._closed, now
        return max(0, self._closed - self._ended)
