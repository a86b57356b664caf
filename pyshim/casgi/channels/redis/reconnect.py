"""What a lost connection to Redis calls for: how long to wait before each try, and what to log.

A log line says that Redis went away and another that it is back: one each, however many tries
there are between them and however many connections notice.
"""

from __future__ import annotations

import logging
import random
import threading

FIRST_DELAY = 0.1
LONGEST_DELAY = 10.0

logger = logging.getLogger("casgi.channels")


class Backoff:
    """Delays that double, each shortened at random: many processes do not come back at once."""

    def __init__(self, first: float = FIRST_DELAY, longest: float = LONGEST_DELAY) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    def next_delay(self) -> float:
        """Return how many seconds to wait before the next try."""
        delay = self._next
        self._next = min(self._longest, 2 * delay)
        return delay * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Begin again with the first delay: a try has succeeded."""
        self._next = self._first


class Outages:
    """Which Redis servers are away, as seen by all connections of one layer."""

    def __init__(self) -> None:
        self._away: set[str] = set()
        # Loops in several threads may read from the same servers.
        self._lock = threading.Lock()

    def begin(self, server: str, error: BaseException) -> None:
        """Note that the server is away; log it when that is news."""
        with self._lock:
            if server in self._away:
                return
            self._away.add(server)
        reason = str(error) or type(error).__name__
        logger.error("Redis is away, messages may be missed: %s (%s)", server, reason)

    def end(self, server: str) -> bool:
        """Note that the server answers; log it, and return True, when that is news."""
        with self._lock:
            if server not in self._away:
                return False
            self._away.remove(server)
        logger.warning("Redis is back: %s", server)
        return True
