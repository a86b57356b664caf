"""What the specification of channel layers asks for, and what Channels' own layer adds to that.

All of it, here and in the other tests of this folder, holds for Channels' layer in memory and for
ours. Where the original does not do what the specification says, a test is of ours alone and says
what the original does. The specification is docs/channel_layer_spec.rst of Channels.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from channels.exceptions import ChannelFull
from contract import DEADLINE, get, is_empty, message, numbers, waiting

from casgi.channels import ChannelLayer

BAD_NAMES = ["", "a" * 100, "with space", "a/b", "ä", "a\nb", "a!b!c", b"bytes", 7, None]


async def test_says_what_it_can(layer: Any) -> None:
    assert {"groups", "flush"} <= set(layer.extensions)
    assert layer.group_expiry == 86400
    assert layer.expiry == 60
    assert layer.capacity == 3


async def test_close(layer: Any) -> None:
    await layer.close()


async def test_options_by_position(layer_class: Any) -> None:
    layer = layer_class(30, 40, 2)
    assert (layer.expiry, layer.group_expiry, layer.capacity) == (30, 40, 2)


async def test_order(layer: Any) -> None:
    for number in range(3):
        await layer.send("one", message(number))
    assert await numbers(layer, "one", 3) == [0, 1, 2]


async def test_order_at_a_waiting_reader(layer_class: Any) -> None:
    layer = layer_class()

    async def read() -> list[int]:
        return await numbers(layer, "one", 30)

    reader = asyncio.ensure_future(read())
    for number in range(30):
        await asyncio.sleep(0)
        await layer.send("one", message(number))
        await asyncio.sleep(0)
    assert await reader == list(range(30))


async def test_channels_are_apart(layer: Any) -> None:
    await layer.send("one", message(1))
    await layer.send("other", message(2))
    assert await numbers(layer, "other", 1) == [2]
    assert await numbers(layer, "one", 1) == [1]


async def test_waiting_reader_gets_it_at_once(layer: Any) -> None:
    [task] = await waiting(layer.receive("one"))
    await layer.send("one", message(7))
    assert await asyncio.wait_for(task, DEADLINE) == message(7)


@pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
async def test_bad_channel_name(layer: Any, name: Any) -> None:
    with pytest.raises(TypeError):
        await layer.send(name, message())
    with pytest.raises(TypeError):
        await layer.receive(name)
    with pytest.raises(TypeError):
        await layer.group_add("group", name)
    with pytest.raises(TypeError):
        await layer.group_discard("group", name)


@pytest.mark.parametrize("name", [*BAD_NAMES, "a!b"], ids=repr)
async def test_bad_group_name(layer: Any, name: Any) -> None:
    with pytest.raises(TypeError):
        await layer.group_send(name, message())
    with pytest.raises(TypeError):
        await layer.group_add(name, "one")
    with pytest.raises(TypeError):
        await layer.group_discard(name, "one")


@pytest.mark.parametrize("name", ["a", "a" * 99, "A-b_c.0", "...", "a!", "a!b", "specific.x!Y.z-0"])
async def test_good_channel_name(layer: Any, name: str) -> None:
    await layer.send(name, message(1))
    assert await get(layer, name) == message(1)
    await layer.group_add("g" * 99, name)
    await layer.group_send("g" * 99, message(2))
    assert await get(layer, name) == message(2)
    await layer.group_discard("g" * 99, name)


async def test_new_channels(layer: Any) -> None:
    names = [await layer.new_channel() for _ in range(1000)]
    assert len(set(names)) == 1000
    assert all(layer.require_valid_channel_name(name) for name in names)
    assert all(re.fullmatch(r"specific\.[^!]*![^!]+", name) for name in names)
    assert (await layer.new_channel("mine")).startswith("mine")
    assert (await layer.new_channel(prefix="mine")).startswith("mine")
    await layer.send(names[0], message(1))
    await layer.send(names[1], message(2))
    assert await numbers(layer, names[1], 1) == [2]
    assert await numbers(layer, names[0], 1) == [1]


async def test_capacity(layer: Any) -> None:
    for number in range(3):
        await layer.send("one", message(number))
    with pytest.raises(ChannelFull):
        await layer.send("one", message(3))
    await layer.send("other", message())
    assert await numbers(layer, "one", 1) == [0]
    await layer.send("one", message(4))
    with pytest.raises(ChannelFull):
        await layer.send("one", message(5))
    assert await numbers(layer, "one", 3) == [1, 2, 4]
    assert await is_empty(layer, "one")


async def test_waiting_reader_and_capacity(layer_class: Any) -> None:
    layer = layer_class(capacity=1)
    [task] = await waiting(layer.receive("one"))
    await layer.send("one", message(0))
    assert await task == message(0)
    await layer.send("one", message(1))
    with pytest.raises(ChannelFull):
        await layer.send("one", message(2))


async def test_capacity_by_compiled_patterns(layer_class: Any) -> None:
    pairs = [(re.compile("small.*"), 1), (re.compile("small-but-larger"), 9), (re.compile("b"), 2)]
    await check_capacities(layer_class(capacity=3, channel_capacity=pairs))


async def test_capacity_by_globs() -> None:
    """The original in memory raises at the first message: it does not compile the patterns."""
    capacities = {"small*": 1, "small-but-larger": 9, re.compile("b"): 2}
    await check_capacities(ChannelLayer(capacity=3, channel_capacity=capacities))


async def check_capacities(layer: Any) -> None:
    """Fill channels whose names match the first pattern, a later one too, and none."""
    for name, capacity in {"small": 1, "small-but-larger": 1, "big": 2, "other": 3}.items():
        for number in range(capacity):
            await layer.send(name, message(number))
        with pytest.raises(ChannelFull):
            await layer.send(name, message())
