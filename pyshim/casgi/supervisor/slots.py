"""The slots of the scoreboard: which process has which, and what all have counted so far."""

import os
from collections import Counter
from dataclasses import dataclass
from typing import Any

from casgi import _core
from casgi.status.observed import Observed

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

    def __init__(self, left: dict[str, Any] | None = None) -> None:
        """Make one, or go on with what was left, if this version reads its memory."""
        self._free = list(range(_COUNT - 1, -1, -1))
        self._past: Counter[str] = Counter()
        self._past_observed = Observed()
        self._is_foreign = left is not None and left["layout"] != _core.Scoreboard.layout()
        # Of workers that were left, and write to memory that is of another kind.
        self._unread: set[int] = set()
        if left is None:
            self.scoreboard = _core.Scoreboard()
        elif self._is_foreign:
            self.scoreboard = _core.Scoreboard()
            self._past.update(left["total"])
            self._past_observed.add_plain(left.get("total_observed"))
        else:
            self.scoreboard = _core.Scoreboard(left["descriptor"])
            self._past.update(left["past"])
            self._past_observed.add_plain(left.get("past_observed"))
        if left is not None:
            os.close(left["descriptor"])

    def leave(self, slots: list[int]) -> dict[str, Any]:
        """Write it down; these are the slots that are taken."""
        return {
            "descriptor": self.scoreboard.fileno(),
            "layout": _core.Scoreboard.layout(),
            "past": dict(self._past),
            "total": dict(self.metrics(slots)),
            "past_observed": self._past_observed.plain(),
            "total_observed": self.observed(slots).plain(),
        }

    def take(self) -> int:
        """Return a slot that nobody has."""
        return self._free.pop()

    def keep(self, slot: int) -> int:
        """Return the slot of a worker that was left, or another one, of which nothing is known."""
        if not self._is_foreign:
            self._free.remove(slot)
            return slot
        unread = self.take()
        self._unread.add(unread)
        return unread

    def give_back(self, slot: int) -> None:
        """Take a slot back from a process that has ended, and keep what it has counted."""
        self._past.update(self.condition(slot).metrics)
        self._unread.discard(slot)
        self._past_observed.add_past(*self.scoreboard.observed(slot))
        self.scoreboard.free(slot)
        self._free.append(slot)

    def condition(self, slot: int) -> Condition:
        """Return what the process of a slot says."""
        if slot in self._unread:
            return Condition(True, False, 0, 0.0, Counter())
        state, connections, busy, metrics = self.scoreboard.read(slot)
        return Condition(state == 1, state == 2, connections, busy, metrics)

    def metrics(self, slots: list[int]) -> Counter[str]:
        """Return the sums of what these have counted, and all who have ended."""
        total = Counter(self._past)
        for slot in slots:
            total.update(self.condition(slot).metrics)
        return total

    def observed_of(self, slot: int) -> Observed:
        """Return what was observed of one process."""
        one = Observed()
        one.add(*self.scoreboard.observed(slot))
        return one

    def observed(self, slots: list[int]) -> Observed:
        """Return what was observed of these, with what of all who have ended only grows."""
        total = Observed()
        past = self._past_observed
        total.add(past.turns, past.values, past.objects, past.routes)
        for slot in slots:
            total.add(*self.scoreboard.observed(slot))
        return total
