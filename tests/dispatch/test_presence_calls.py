"""A Presence by itself: the order of announcements, calls that are repeated, and wrong ones."""

import asyncio
from typing import Any

import pytest

from casgi.channels import Presence


async def turns(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


class Gated:
    """A layer whose group_send() waits for a gate."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.sent: list[tuple[str, str, Any]] = []

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        if message["type"] == "presence.joined":
            await self.gate.wait()
        self.sent.append((group, message["type"], message["info"]))


class Visitor:
    """What a consumer is to a Presence."""

    def __init__(self, layer: Any = None) -> None:
        self.channel_layer = layer


async def test_announcements_keep_their_order() -> None:
    layer, presence = Gated(), Presence(0, announce=True)
    ann = Visitor(layer)
    entering = asyncio.create_task(presence.enter(ann, "room", "ann", {"at": 1}))
    await turns(lambda: presence.count("room") == 1)
    await presence.leave(ann, "room")
    entering.cancel()
    await asyncio.wait([entering])
    assert layer.sent == []
    layer.gate.set()
    await turns(lambda: len(layer.sent) == 2)
    assert layer.sent == [
        ("room", "presence.joined", {"at": 1}),
        ("room", "presence.left", {"at": 1}),
    ]
    await turns(lambda: presence._announcements == {})


async def test_entering_again_is_no_news() -> None:
    layer, presence = Gated(), Presence(0, announce=True)
    layer.gate.set()
    ann = Visitor(layer)
    await presence.enter(ann, "room", "ann", {"at": 1})
    await presence.enter(ann, "room", "ann")
    assert presence.info("room", "ann") == {"at": 1}
    await presence.enter(ann, "room", "ann", {"at": 2})
    assert presence.info("room", "ann") == {"at": 2}
    await presence.leave(ann, "room")
    assert presence.here("room") == []
    await turns(lambda: len(layer.sent) == 2)
    assert [kind for _, kind, _ in layer.sent] == ["presence.joined", "presence.left"]


async def test_what_is_wrong_is_said() -> None:
    with pytest.raises(RuntimeError, match="need a channel layer"):
        await Presence(announce=True).enter(Visitor(), "room", "ann")
    with pytest.raises(TypeError, match="NoneType"):
        await Presence().enter(Visitor(), "room", None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="-1"):
        Presence(-1)
    await Presence().leave(Visitor(), "room")
