"""Channel names that stand, in a group's sorted set in Redis, for all its members in this process.

A sender elsewhere then addresses one name per process instead of one per member. A name belongs to
one stay of the process in the group: when the last local member goes, the name goes for good, so
that removing it from Redis can never undo the adding of a later one.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass

LONGEST_FRESHNESS = 60.0
"""For how many seconds, at most, a member that joins relies on what was written for another."""


@dataclass(slots=True)
class Representative:
    """What stands for one group."""

    group: str
    name: str
    written: float | None = None
    """When it was last written to Redis, by the monotonic clock; None: never, or it may be lost."""


class Representatives:
    """The representatives of one layer. The callers see to it that one thread at a time is in."""

    def __init__(self, client_prefix: str, group_expiry: float) -> None:
        self.channel = f"specific.{client_prefix}!"
        """The part of all their names that senders put messages under."""
        self._name = self.channel + "group-"
        self._freshness = min(LONGEST_FRESHNESS, group_expiry / 2)
        self._numbers = itertools.count(1)
        self._by_group: dict[str, Representative] = {}
        self._by_name: dict[str, Representative] = {}

    def enter(self, group: str) -> Representative:
        """Return what stands for the group, a new one if need be."""
        found = self._by_group.get(group)
        if found is None:
            found = Representative(group, f"{self._name}{next(self._numbers)}")
            self._by_group[group] = self._by_name[found.name] = found
        return found

    def leave(self, group: str) -> Representative | None:
        """Forget what stands for the group and return it; None when nothing does."""
        found = self._by_group.pop(group, None)
        if found is not None:
            del self._by_name[found.name]
        return found

    def of_group(self, group: str) -> Representative | None:
        """Return what stands for the group; None when nothing does."""
        return self._by_group.get(group)

    def group_of(self, name: str) -> str | None:
        """Return the group that the name stands for; None when it is no representative now."""
        found = self._by_name.get(name)
        return None if found is None else found.group

    def is_name(self, channel: str) -> bool:
        """Return whether the channel name is, or was, one of a representative."""
        return channel.startswith(self._name)

    def is_fresh(self, representative: Representative) -> bool:
        """Return whether it need not be written again now."""
        written = representative.written
        return written is not None and time.monotonic() - written < self._freshness

    def all(self) -> list[Representative]:
        """Return all that stand for a group now."""
        return list(self._by_group.values())

    def clear(self) -> None:
        """Forget everything."""
        self._by_group.clear()
        self._by_name.clear()
