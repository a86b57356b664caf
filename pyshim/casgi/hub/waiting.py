"""Who waits for the hub's answer to which request."""

import heapq
import itertools
import threading
from collections.abc import Callable


class Waiting:
    """Callbacks by the number of the request that they wait for. Safe in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heap: list[tuple[int, int, Callable[[], object]]] = []
        self._order = itertools.count()

    def add(self, number: int, callback: Callable[[], object]) -> None:
        """Have it called when the number has been answered, or never will be."""
        with self._lock:
            heapq.heappush(self._heap, (number, next(self._order), callback))

    def first(self) -> int | None:
        """Return the lowest number that somebody waits for."""
        with self._lock:
            return self._heap[0][0] if self._heap else None

    def answer(self, number: int | None) -> None:
        """Call those that wait for it or a lower one; None: all."""
        due = []
        with self._lock:
            while self._heap and (number is None or self._heap[0][0] <= number):
                due.append(heapq.heappop(self._heap)[2])
        for callback in due:
            callback()
