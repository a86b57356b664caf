"""Looking, in the event loop, whether threads are held up; only while there is work for them.

A thread is given work while it is still in its last turn, which is over in some ten microseconds.
Where that is not so, nobody would say it.
"""

import asyncio
import time
from collections.abc import Callable

HELD_UP_SECONDS = 0.2
"""So long a thread may take to end before others take what it was given.

Threads that run Python let each have the GIL for 5 ms in turn, and a busy machine stops them for
longer: neither is held up, and another thread would need one more connection of the database.
"""


class Looks:
    """Looks of one pool, one after the other, until there is nothing to look at."""

    def __init__(self, look: Callable[[], bool]) -> None:
        """Take what looks, and returns whether it wants to look again."""
        self._look = look
        self._next = float("-inf")

    def come(self) -> None:
        """Have one come soon, if none does; for callers in an event loop."""
        now = time.monotonic()
        if now < self._next:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._next = now + 2 * HELD_UP_SECONDS  # If by then none has come, its loop was stopped.
        loop.call_later(HELD_UP_SECONDS, self._come)

    def _come(self) -> None:
        self._next = float("-inf")
        if self._look():
            self.come()
