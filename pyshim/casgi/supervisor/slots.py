"""The slots of the scoreboard: which process has which, and what all have counted so far."""

from collections import Counter
from dataclasses import dataclass

from casgi import _core

_COUNT = 768


@dataclass(frozen=True, slots=True)
class Condition:
    """What a worker last said of itself: csrc/base/scoreboard.h."""

    is_serving: bool
    is_leaving: bool
    connections: int
    busy: float
    """Seconds that its turn lasts by now; 0 while it waits."""
    metrics: dict[str, int]


class Slots:
    """The scoreboard of one supervisor."""

    def __init__(self) -> None:
        self.scoreboard = _core.Scoreboard()
        self._free = list(range(_COUNT - 1, -1, -1))
        self._past: Counter[str] = Counter()

    def take(self) -> int:
        """Return a slot that nobody has."""
        return self._free.pop()

    def give_back(self, slot: int) -> None:
        """Take a slot back from a process that has ended, and keep what it has counted."""
        self._past.update(self.condition(slot).metrics)
        self.scoreboard.free(slot)
        self._free.append(slot)

    def condition(self, slot: int) -> Condition:
        """Return what the process of a slot says."""
        state, connections, busy, metrics = self.scoreboard.read(slot)
        return Condition(state == 1, state == 2, connections, busy, metrics)

    def metrics(self, slots: list[int]) -> Counter[str]:
        """Return the sums of what these have counted, and all who have ended."""
        total = Counter(self._past)
        for slot in slots:
            total.update(self.condition(slot).metrics)
        return total
