"""`python -m bench.growth`: what one step costs as groups, members, channels and waiters grow.

Each row is one walk or look-up of `casgi._core.ChannelTable`, each column a number of things; the
cells are nanoseconds of CPU for each. A row that grows with the number is a list that somebody
walks for each of them.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

from casgi import _core

SIZES = (10, 100, 1_000, 10_000, 100_000)
Steps = Iterator[tuple[str, Callable[[], object]]]


def new_table(expiry: float = 60, group_expiry: float = 86400) -> _core.ChannelTable:
    """Return a table whose channels hold any number of messages."""
    return _core.ChannelTable(lambda name: 0, lambda waiter: None, expiry, group_expiry)


def one_member_of_many_groups(count: int) -> Steps:
    """Join, send to, and leave many groups with one channel."""
    table = new_table()
    groups = [f"group{number}" for number in range(count)]
    yield "join groups", lambda: [table.add(group, "c") for group in groups]
    yield "join them again", lambda: [table.add(group, "c") for group in groups]
    yield "list groups", table.groups
    yield "leave groups", lambda: [table.discard(group, "c") for group in groups]
    table = new_table()
    for group in groups:
        table.add(group, "c")
    yield "leave all groups", table.flush


def many_members_of_one_group(count: int) -> Steps:
    """Do with many channels what is done with one."""
    table = new_table()
    names = [f"channel{number}" for number in range(count)]
    yield "members join", lambda: [table.add("g", name) for name in names]
    yield "list members", lambda: table.members("g")
    yield "send to members", lambda: table.send("g", {"type": "a"})
    yield "sizes of channels", table.sizes
    yield "take from channels", lambda: [table.take(name) for name in names]
    yield "members leave", lambda: [table.discard("g", name) for name in reversed(names)]


def one_channel(count: int) -> Steps:
    """Let many messages, and many who wait, stand in one channel."""
    table = new_table()
    waiters: list[Any] = [object() for _ in range(count)]
    for waiter in waiters:
        table.wait("c", waiter)
    yield "wake waiters", lambda: [table.put("c", {}) for _ in waiters]
    yield "take messages", lambda: [table.take("c") for _ in waiters]
    yield "wait", lambda: [table.wait("c", waiter) for waiter in waiters]
    yield "abandon", lambda: [table.abandon("c", waiter) for waiter in reversed(waiters)]


def memberships_that_expire(count: int) -> Steps:
    """Renew every second membership of one channel, and let the others expire."""
    table = new_table(expiry=0.01, group_expiry=0.5)
    for number in range(count):
        table.add(f"group{number}", "c")
    time.sleep(0.6)
    for number in range(0, count, 2):
        table.add(f"group{number}", "c")
    yield "expire memberships", lambda: table.take("other")


WORLDS = (
    one_member_of_many_groups,
    many_members_of_one_group,
    one_channel,
    memberships_that_expire,
)


def measure(count: int) -> dict[str, float]:
    """Return nanoseconds of CPU for each thing, by what is done."""
    figures = {}
    for world in WORLDS:
        for name, step in world(count):
            began = time.process_time_ns()
            step()
            figures[name] = (time.process_time_ns() - began) / count
    return figures


def main() -> None:
    """Print the table."""
    columns = [measure(count) for count in SIZES]
    print(f"{'ns for each':20}" + "".join(f"{count:>10,}" for count in SIZES))
    for name in columns[0]:
        print(f"{name:20}" + "".join(f"{column[name]:10,.0f}" for column in columns))


if __name__ == "__main__":
    main()
