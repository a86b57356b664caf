"""Groups, their messages, and what expires."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from contract import DEADLINE, get, is_empty, message, numbers, waiting
from support.engines import counters

from casgi.channels import ChannelLayer

# Seconds until something expires: a machine does not stand still for so long.
EXPIRY = 2.5
EXPIRED = EXPIRY * 1.1


async def test_group(layer: Any) -> None:
    for channel in ("one", "two", "three"):
        await layer.group_add("group", channel)
    await layer.group_discard("group", "two")
    await layer.group_send("group", message(1))
    assert await numbers(layer, "one", 1) == [1]
    assert await numbers(layer, "three", 1) == [1]
    assert await is_empty(layer, "two")


async def test_join_and_leave_twice(layer: Any) -> None:
    await layer.group_add("group", "one")
    await layer.group_add("group", "one")
    await layer.group_send("group", message(1))
    assert await numbers(layer, "one", 1) == [1]
    assert await is_empty(layer, "one")
    await layer.group_discard("group", "one")
    await layer.group_discard("group", "one")
    await layer.group_discard("nothing", "one")
    await layer.group_send("group", message(2))
    assert await is_empty(layer, "one")
    await layer.group_add("group", "one")
    await layer.group_send("group", message(3))
    assert await numbers(layer, "one", 1) == [3]


async def test_group_without_members(layer: Any) -> None:
    await layer.group_send("nobody", message())


async def test_member_of_two_groups(layer: Any) -> None:
    for group in ("first", "second"):
        await layer.group_add(group, "one")
    await layer.group_send("first", message(1))
    await layer.group_send("second", message(2))
    await layer.group_discard("first", "one")
    await layer.group_send("first", message(3))
    await layer.group_send("second", message(4))
    assert await numbers(layer, "one", 3) == [1, 2, 4]


async def test_order_of_a_group_and_a_channel(layer_class: Any) -> None:
    layer = layer_class()
    for channel in ("one", "other"):
        await layer.group_add("group", channel)
    for number in range(20):
        await layer.group_send("group", message(number * 2))
        await layer.send("one", message(number * 2 + 1))
    assert await numbers(layer, "one", 40) == list(range(40))
    assert await numbers(layer, "other", 20) == list(range(0, 40, 2))


async def test_full_member_is_passed_over(layer: Any) -> None:
    for channel in ("full", "free"):
        await layer.group_add("group", channel)
    for number in range(3):
        await layer.send("full", message(number))
    await layer.group_send("group", message(9))
    assert await numbers(layer, "free", 1) == [9]
    assert await numbers(layer, "full", 3) == [0, 1, 2]
    await layer.group_send("group", message(10))
    assert await numbers(layer, "full", 1) == [10]


async def test_members_that_wait(layer: Any) -> None:
    channels = [await layer.new_channel() for _ in range(50)]
    for channel in channels:
        await layer.group_add("group", channel)
    tasks = await waiting(*(layer.receive(channel) for channel in channels))
    await layer.group_send("group", message(1))
    assert await asyncio.wait_for(asyncio.gather(*tasks), DEADLINE) == [message(1)] * 50


async def test_flush(layer: Any) -> None:
    await layer.group_add("group", "one")
    await layer.send("one", message(1))
    await layer.flush()
    await layer.group_send("group", message(2))
    assert await is_empty(layer, "one")
    await layer.group_add("group", "one")
    await layer.group_send("group", message(3))
    assert await numbers(layer, "one", 1) == [3]


async def test_message_expires(layer_class: Any) -> None:
    layer = layer_class(expiry=EXPIRY, capacity=1)
    await layer.send("one", message(1))
    await asyncio.sleep(EXPIRED)
    [task] = await waiting(layer.receive("one"))
    await layer.send("one", message(2))
    assert await asyncio.wait_for(task, DEADLINE) == message(2)


async def test_expired_messages_make_room(layer_class: Any) -> None:
    layer = layer_class(expiry=EXPIRY, capacity=1)
    await layer.group_add("group", "one")
    await layer.send("one", message(1))
    await asyncio.sleep(EXPIRED)
    # The original looks for what has expired when something is received, or sent to a group.
    await layer.send("other", message())
    await get(layer, "other")
    await layer.send("one", message(2))
    assert await numbers(layer, "one", 1) == [2]


async def test_younger_messages_stay(layer_class: Any) -> None:
    layer = layer_class(expiry=EXPIRY)
    await layer.send("one", message(1))
    await asyncio.sleep(EXPIRED)
    await layer.send("one", message(2))
    assert await numbers(layer, "one", 1) == [2]


async def test_member_that_reads_nothing_leaves(layer_class: Any) -> None:
    layer = layer_class(expiry=EXPIRY)
    await layer.group_add("group", "one")
    await layer.group_send("group", message(1))
    await asyncio.sleep(EXPIRED)
    await layer.group_send("group", message(2))
    assert await is_empty(layer, "one")
    await layer.group_add("group", "one")
    await layer.group_send("group", message(3))
    assert await numbers(layer, "one", 1) == [3]


async def test_what_nobody_reads_is_freed() -> None:
    """What the original keeps and frees is not counted; it looks for it at every receive()."""
    layer = ChannelLayer(expiry=EXPIRY)
    before = counters().get("channels", 0)
    for number in range(100):
        await layer.send(f"unread-{number}", message())
    assert counters()["channels"] == before + 100
    await asyncio.sleep(2 * EXPIRED)
    await layer.send("one", message(1))
    assert await numbers(layer, "one", 1) == [1]
    assert counters().get("channels", 0) <= before + 1


async def test_membership_expires(layer_class: Any) -> None:
    """The original counts in whole seconds, so that it can take one more."""
    layer = layer_class(group_expiry=EXPIRY)
    for channel in ("joined", "joining"):
        await layer.group_add("group", channel)
    begun = time.monotonic()
    is_member = True
    while is_member:
        assert time.monotonic() - begun < DEADLINE
        await asyncio.sleep(0.02)
        await layer.group_add("group", "joining")
        await layer.group_send("group", message(1))
        assert await numbers(layer, "joining", 1) == [1]
        is_member = not await is_empty(layer, "joined")
        if is_member:
            await get(layer, "joined")  # The mark.
