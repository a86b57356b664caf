"""The consumers of this process in one group, as they stand in the group's sorted set in Redis.

Each consumer is there under its own channel name, as channels_redis writes it, so that any process
can add and remove it. Those of one process have one score, which makes them a *block*: a sender
that finds as many names with that score as the process says it has put there knows, without reading
them, that nobody else has removed one or added it anew, and sends to the block by one address.

An address says which members are meant: those whose membership has a number below its end. So who
joins while a message is under way does not get it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class Block:
    """The block of this process in one group.

    Attributes:
        group: its name.
        number: of this stay of the process in the group; another one has another.
        end: above the number of each membership in it.
        written: the channels that are in it in Redis, as far as this process knows.
        joining: the channels that are being written.

    """

    group: str
    number: int
    end: int = 0
    written: set[str] = field(default_factory=set)
    joining: set[str] = field(default_factory=set)

    @property
    def address(self) -> str:
        """What follows the process in the address of all who are in it now."""
        return f"{self.number}.{self.end}"


class Blocks:
    """The blocks of one layer. The callers see to it that one thread at a time is in."""

    def __init__(self, client_prefix: str) -> None:
        self.channel = f"specific.{client_prefix}!"
        """What all addresses of this process begin with, which messages for them are put under."""
        self._numbers = itertools.count(1)
        self._by_group: dict[str, Block] = {}
        self._by_number: dict[int, Block] = {}

    def enter(self, group: str) -> Block:
        """Return the group's block, a new one if need be."""
        found = self._by_group.get(group)
        if found is None:
            found = Block(group, next(self._numbers))
            self._by_group[group] = self._by_number[found.number] = found
        return found

    def of_group(self, group: str) -> Block | None:
        """Return the group's block; None when nobody of this process is in the group."""
        return self._by_group.get(group)

    def forget_if_empty(self, block: Block) -> None:
        """Forget a block in which nobody is."""
        if not block.written and not block.joining and self._by_group.get(block.group) is block:
            del self._by_group[block.group]
            del self._by_number[block.number]

    def resolve(self, address: str) -> tuple[str, int] | None:
        """Return group and end of an address; None when that stay in the group is over."""
        number, _, end = address.removeprefix(self.channel + "group-").partition(".")
        block = self._by_number.get(int(number)) if number.isdecimal() else None
        return (block.group, int(end)) if block is not None and end.isdecimal() else None

    def is_address(self, channel: str) -> bool:
        """Return whether the channel name is an address, of any time, of this process."""
        return channel.startswith(self.channel + "group-")

    def all(self) -> list[Block]:
        """Return all blocks."""
        return list(self._by_group.values())

    def clear(self) -> None:
        """Forget everything."""
        self._by_group.clear()
        self._by_number.clear()
