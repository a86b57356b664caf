"""`layer.groups` and `layer.channels`, as projects use them on Channels' layer in memory."""

from __future__ import annotations

import asyncio
import copy
import enum
import json
import time
from typing import Any

import pytest
from contract import IN_MEMORY, get, message


async def two_groups(layer: Any) -> None:
    for group, channel in [("g", "one"), ("g", "two"), ("h", "one")]:
        await layer.group_add(group, channel)


@IN_MEMORY
async def test_groups_are_read(layer: Any) -> None:
    assert layer.groups == {}
    assert not layer.groups
    assert layer.groups.get("g") is None
    before = time.time()
    await two_groups(layer)
    groups = layer.groups
    assert isinstance(groups, dict)
    assert isinstance(groups["g"], dict)
    assert list(groups) == ["g", "h"] or sorted(groups) == ["g", "h"]
    assert "g" in groups
    assert "x" not in groups
    assert len(groups) == 2
    assert list(groups["g"].keys()) == ["one", "two"]
    assert [name for name, _ in groups["g"].items()] == ["one", "two"]
    assert all(before - 1 < joined < time.time() + 1 for joined in groups["g"].values())
    assert len(groups["g"]) == 2
    assert "one" in groups["g"]
    assert sum(len(members) for members in groups.values()) == 3
    assert list(json.loads(json.dumps(dict(groups["g"])))) == ["one", "two"]
    assert set(dict(groups["g"])) == set(copy.copy(groups["g"])) == {"one", "two"}
    assert {**groups["g"]}.keys() == {"one", "two"}
    assert len(groups.get("x", {})) == 0
    with pytest.raises(KeyError):
        groups["x"]


@IN_MEMORY
async def test_groups_are_written(layer: Any) -> None:
    await two_groups(layer)
    assert isinstance(layer.groups["g"].pop("one"), float)
    assert layer.groups["g"].pop("one", None) is None
    await layer.group_send("g", message(1))
    assert await get(layer, "two") == message(1)
    layer.groups["g"]["three"] = time.time()
    assert list(layer.groups["g"]) == ["two", "three"]
    layer.groups.setdefault("new", {})["four"] = time.time()
    del layer.groups["g"]["two"]
    assert list(layer.groups.pop("g")) == ["three"]
    assert layer.groups.pop("g", None) is None
    assert "g" not in layer.groups
    layer.groups.clear()
    assert layer.groups == {}


@IN_MEMORY
async def test_channels_are_read(layer: Any) -> None:
    for number in range(3):
        await layer.send("one", message(number))
    channels = layer.channels
    assert isinstance(channels, dict)
    assert list(channels) == ["one"]
    assert channels["one"].qsize() == 3
    assert not channels["one"].empty()
    assert channels["one"].full()
    assert channels["one"].get_nowait()[1] == message(0)
    channels["one"].put_nowait((time.time() + 60, message(7)))
    assert [(await get(layer, "one"))["number"] for _ in range(3)] == [1, 2, 7]
    await layer.send("one", message(8))
    assert sum(queue.qsize() for queue in layer.channels.values()) == 1
    del layer.channels["one"]
    assert "one" not in layer.channels
    assert layer.channels.get("one") is None


async def test_reader_has_a_channel(layer: Any) -> None:
    reader = asyncio.ensure_future(layer.receive("one"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert layer.channels["one"].qsize() == 0
    assert layer.channels["one"].empty()
    await layer.send("one", message(1))
    assert await reader == message(1)


class Name(str, enum.Enum):  # noqa: UP042
    """Names of which the hash is not that of their text."""

    ROOM = "room"
    SEAT = "seat"


@IN_MEMORY
async def test_names_of_a_class_of_their_own(layer: Any) -> None:
    await layer.group_add(Name.ROOM, Name.SEAT)
    await layer.group_send(Name.ROOM, message(1))
    assert await get(layer, Name.SEAT) == message(1)
    await layer.group_discard(Name.ROOM, Name.SEAT)
    await layer.group_send(Name.ROOM, message(2))
    await layer.send(Name.SEAT, message(3))
    assert await get(layer, Name.SEAT) == message(3)
