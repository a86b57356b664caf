"""What was observed of one process or of several together: csrc/base/observations.h."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from casgi import _core

Times: TypeAlias = tuple[tuple[int, ...], float]
"""How many came into each bucket, and the seconds of all of them."""

GROWING = {
    "thread_waits": "Requests that have had to wait for a thread.",
    "layer_gaps": "Times that a channel layer may have lost messages.",
    "layer_dropped": "Messages of groups for channels that were full.",
}
"""Values that only grow."""

GAUGES = {
    "websockets": "WebSockets that are open.",
    "tasks": "Tasks of the application that run.",
    "groups": "Groups that have members, counted in each worker.",
    "group_members": "Memberships of all groups.",
    "largest_group": "Members of the largest group, in one worker.",
    "unsent_bytes": "Bytes that wait for clients.",
    "channel_messages": "Messages of channel layers that wait for consumers.",
    "python_blocks": "Blocks of memory that Python's own allocator has given out.",
    "threads": "Threads of Django's requests.",
    "threads_waiting": "Requests that wait for a thread.",
}
"""Values of this moment, looked at once a second."""

_OF_ONE = ("largest_group",)


@dataclass
class Observed:
    """Sums, to which others are added."""

    turns: Times = ((), 0.0)
    values: Counter[str] = field(default_factory=Counter)
    objects: Counter[str] = field(default_factory=Counter)
    routes: dict[str, Times] = field(default_factory=dict)

    def add(
        self,
        turns: Times,
        values: Mapping[str, int],
        objects: Mapping[str, int],
        routes: Mapping[str, Times],
    ) -> None:
        """Add what Scoreboard.observed() returns."""
        self.turns = added(self.turns, turns)
        for name, value in values.items():
            known = self.values[name]
            self.values[name] = max(known, value) if name in _OF_ONE else known + value
        self.objects.update(objects)
        for route, times in routes.items():
            self.routes[route] = added(self.routes.get(route, ((), 0.0)), times)

    def add_past(
        self,
        turns: Times,
        values: Mapping[str, int],
        objects: Mapping[str, int],
        routes: Mapping[str, Times],
    ) -> None:
        """Add what is left of a process that has ended: all that only grows."""
        self.add(turns, {name: values[name] for name in GROWING}, {}, routes)

    def plain(self) -> dict[str, Any]:
        """Return all that only grows, as JSON can have it."""
        values = {name: self.values[name] for name in GROWING}
        return {"turns": self.turns, "values": values, "routes": self.routes}

    def add_plain(self, plain: dict[str, Any] | None) -> None:
        """Add what plain() has returned, in another version perhaps: as far as that fits."""
        if plain is None:
            return
        fitting = {route: _times(times) for route, times in plain["routes"].items()}
        values = {name: plain["values"].get(name, 0) for name in GROWING}
        self.add(_times(plain["turns"]), values, {}, fitting)


def _times(plain: Any) -> Times:
    counts, seconds = plain
    is_fitting = len(counts) == len(_core.Scoreboard.bounds()) + 1
    return (tuple(counts), seconds) if is_fitting else ((), 0.0)


def added(one: Times, other: Times) -> Times:
    """Return two histograms as one; either may be empty."""
    longest = max(len(one[0]), len(other[0]))
    pairs = zip(_filled(one[0], longest), _filled(other[0], longest), strict=True)
    return tuple(sum(pair) for pair in pairs), one[1] + other[1]


def bound_of(counts: Sequence[int], share: float) -> float | None:
    """Return the seconds within which such a share has ended; None for more than the last bound."""
    left = sum(counts) * share
    for bound, count in zip(_core.Scoreboard.bounds(), counts, strict=False):
        left -= count
        if left <= 0:
            return bound
    return None


def _filled(counts: tuple[int, ...], length: int) -> Iterable[int]:
    return counts or (0,) * length
