"""Who sends or gets a message can do with it what they like."""

from __future__ import annotations

import copy
import datetime
import threading
from typing import Any

import pytest
from contract import IN_MEMORY, Message, get, is_empty


async def test_every_type_arrives(layer: Any) -> None:
    sent = {
        "type": "test.message",
        "bytes": b"\x00\xff",
        "text": "Grüße \U0001f600 \x00",
        "numbers": [0, -1, 2**63 - 1, -(2**63), 1.5, -0.0, float("inf")],
        "others": [None, True, False, [], {}, "", b""],
        "nested": {"list": [{"dict": {"key": [1, [2, [3]]]}}]},
    }
    await layer.send("one", copy.deepcopy(sent))
    received = await get(layer, "one")
    assert received == sent
    assert [type(value) for value in received["others"]] == [type(one) for one in sent["others"]]


@IN_MEMORY
async def test_types_of_python_arrive(layer: Any) -> None:
    """The specification does not ask for it; applications with a layer in memory rely on it."""
    moment = datetime.datetime(2025, 1, 2, tzinfo=datetime.UTC)
    sent = {"type": "test", "moment": moment, "set": {1, 2}, "tuple": (1, [2]), 3: "key"}
    await layer.send("one", sent)
    await layer.group_add("group", "other")
    await layer.group_send("group", sent)
    assert await get(layer, "one") == sent
    assert await get(layer, "other") == sent


@IN_MEMORY
async def test_what_occurs_twice_arrives_so(layer: Any) -> None:
    shared: list[Any] = [1]
    sent = {"type": "test", "a": shared, "b": {"c": shared}, "t": (shared, shared)}
    for channel in ("one", "other"):
        await layer.group_add("group", channel)
    await layer.group_send("group", sent)
    await layer.send("single", sent)
    received = [await get(layer, channel) for channel in ("one", "other", "single")]
    for each in received:
        assert each == sent
        assert each["a"] is each["b"]["c"] is each["t"][0] is each["t"][1]
        assert each["a"] is not shared
    assert len({id(each["a"]) for each in received}) == 3


async def test_large_message(layer: Any) -> None:
    sent = {"type": "test.message", "text": "x" * 2**20}
    await layer.send("one", sent)
    assert await get(layer, "one") == sent


async def test_message_is_a_copy(layer: Any) -> None:
    sent: Message = {"type": "test", "list": [1], "dict": {"key": []}}
    await layer.send("one", sent)
    sent["list"].append(2)
    sent["dict"]["key"].append(2)
    sent["more"] = True
    assert await get(layer, "one") == {"type": "test", "list": [1], "dict": {"key": []}}


@IN_MEMORY
async def test_every_member_has_its_own_copy(layer: Any) -> None:
    sent: Message = {"type": "test", "list": [[]], "moment": [datetime.date(2025, 1, 2)]}
    for channel in ("one", "other"):
        await layer.group_add("group", channel)
    await layer.group_send("group", sent)
    sent["list"].append(1)
    received = await get(layer, "one")
    received["list"][0].append(2)
    received["moment"].clear()
    received["more"] = True
    second = await get(layer, "other")
    assert second == {"type": "test", "list": [[]], "moment": [datetime.date(2025, 1, 2)]}


async def test_same_object_twice_in_a_message(layer: Any) -> None:
    """In the original it still is one object that arrives; in ours, as with Redis, it is two."""
    part = [1]
    await layer.send("one", {"type": "test", "first": part, "second": part})
    part.append(2)
    assert await get(layer, "one") == {"type": "test", "first": [1], "second": [1]}


@IN_MEMORY
async def test_message_that_contains_itself(layer: Any) -> None:
    sent: Message = {"type": "test"}
    sent["self"] = sent
    await layer.send("one", sent)
    received = await get(layer, "one")
    assert received["self"] is received


async def test_message_that_cannot_be_copied(layer: Any) -> None:
    with pytest.raises(TypeError, match="lock"):
        await layer.send("one", {"type": "test", "lock": threading.Lock()})
    assert await is_empty(layer, "one")
    await layer.group_add("group", "one")
    with pytest.raises(TypeError, match="lock"):
        await layer.group_send("group", {"type": "test", "lock": threading.Lock()})
    assert await is_empty(layer, "one")


@pytest.mark.parametrize("wrong", [None, "text", b"bytes", [], [("type", "x")], 7])
async def test_message_is_no_dict(layer: Any, wrong: Any) -> None:
    with pytest.raises(AssertionError):
        await layer.send("one", wrong)
    with pytest.raises(AssertionError):
        await layer.group_send("group", wrong)


async def test_reserved_key(layer: Any) -> None:
    with pytest.raises(AssertionError):
        await layer.send("one", {"type": "test", "__asgi_channel__": "other"})
