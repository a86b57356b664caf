"""Presence: who is here, with tabs and reloads, and whatever the consumer forgets."""

import asyncio
import gc
from collections.abc import Iterator
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from support.reports import wait_until

from casgi.channels import Presence

from . import presence_consumers as consumers
from .conftest import Accelerated
from .test_presence_calls import Visitor, turns

FOREVER = 3600.0
"""A linger that no test waits for."""


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give the consumers a Presence: `use(linger, announce=False)`."""

    def install(linger: float, *, announce: bool = False) -> Presence:
        made = Presence(linger, announce=announce)
        monkeypatch.setattr(consumers, "presence", made)
        return made

    return install


@pytest.fixture(autouse=True)
def free_consumers() -> Iterator[None]:
    yield
    consumers.KEPT.clear()


def wait_for(presence: Presence, *who: str, group: str = "room") -> None:
    wait_until(lambda: presence.here(group) == list(who), f"not {who}: {presence.here(group)}")
    assert presence.count(group) == len(who)


def test_people_in_the_order_of_arrival_each_once(accelerated: Accelerated, use: Any) -> None:
    presence = use(0)
    server = accelerated(consumers.Room.as_asgi())
    tabs = [server.websocket(f"/room?who={who}") for who in ("ann", "bob", "ann")]
    assert presence.here("room") == ["ann", "bob"]
    assert presence.count("room") == 2
    assert presence.info("room", "ann") == {"from": "page"}
    assert presence.info("room", "cid") is None
    tabs[0].finish()
    tabs[1].finish()
    wait_for(presence, "ann")
    tabs[2].finish()
    wait_for(presence)
    assert presence._groups == {}


def test_groups_are_apart(accelerated: Accelerated, use: Any) -> None:
    presence = use(0)
    server = accelerated(consumers.Room.as_asgi())
    server.websocket("/a+b?who=ann")
    [both, _] = [server.websocket("/a+b?who=bob"), server.websocket("/b?who=cid")]
    assert (presence.here("a"), presence.here("b")) == (["ann", "bob"], ["ann", "bob", "cid"])
    both.send_text("leave")
    assert both.read_text() == "leave"
    assert (presence.here("a"), presence.here("b")) == (["ann"], ["ann", "bob", "cid"])
    both.finish()
    wait_for(presence, "ann", "cid", group="b")


def test_lingers_and_a_reload_is_not_seen(accelerated: Accelerated, use: Any) -> None:
    presence = use(FOREVER)
    server = accelerated(consumers.Room.as_asgi())
    server.websocket("/room?who=ann").finish()
    bob = server.websocket("/room?who=bob")
    wait_until(lambda: server.count() == (1, 1), "ann's connection is still there")
    assert presence.here("room") == ["ann", "bob"]
    server.websocket("/room?who=ann")
    assert presence.here("room") == ["ann", "bob"]
    assert all(one.absence is None for one in presence._groups["room"].values())
    bob.send_text("go")
    assert bob.read_text() == "go"
    assert presence.here("room") == ["ann"]


def test_linger_ends(accelerated: Accelerated, use: Any) -> None:
    presence = use(0.05)
    server = accelerated(consumers.Room.as_asgi())
    server.websocket("/room?who=ann").finish()
    wait_for(presence)
    assert presence._groups == {}


def test_who_is_back_outlives_the_linger(accelerated: Accelerated, use: Any) -> None:
    presence = use(0.2)
    server = accelerated(consumers.Room.as_asgi())
    server.websocket("/room?who=ann").finish()
    server.websocket("/room?who=ann")
    server.websocket("/room?who=bob").finish()
    wait_for(presence, "ann")


@pytest.mark.parametrize("way", ["close", "reset"])
def test_disconnect_that_raises(accelerated: Accelerated, use: Any, way: str) -> None:
    presence = use(0)
    server = accelerated(consumers.Raising.as_asgi())
    client = server.websocket("/room?who=ann")
    assert presence.here("room") == ["ann"]
    client.reset() if way == "reset" else client.close()
    wait_for(presence)
    server.reports.expect("in disconnect")


def test_consumer_that_raises(accelerated: Accelerated, use: Any) -> None:
    presence = use(0)
    server = accelerated(consumers.Room.as_asgi())
    client = server.websocket("/room?who=ann")
    client.send_text("raise")
    assert client.read_close()[0] == 1011
    wait_for(presence)
    server.reports.expect("on purpose")


def test_rejected_connection(accelerated: Accelerated, use: Any) -> None:
    presence = use(0)
    server = accelerated(consumers.Rejecting.as_asgi())
    client = server.websocket_connect()
    with pytest.raises(AssertionError, match="403"):
        client.handshake("/?who=ann")
    wait_for(presence)


def test_consumer_without_a_layer(accelerated: Accelerated, use: Any) -> None:
    class Alone(consumers.Room):
        channel_layer_alias = "none of this name"

    presence = use(0)
    client = accelerated(Alone.as_asgi()).websocket("/room?who=ann")
    assert presence.here("room") == ["ann"]
    client.finish()
    wait_for(presence)


def test_sync_consumer(accelerated: Accelerated, use: Any) -> None:
    presence = use(0)
    client = accelerated(consumers.SyncRoom.as_asgi()).websocket("/?who=ann")
    client.send_text("who?")
    assert client.read_text() == "ann"
    client.finish()
    wait_for(presence)


def test_other_name_on_the_same_connection(accelerated: Accelerated, use: Any) -> None:
    presence = use(0)
    client = accelerated(consumers.Room.as_asgi()).websocket("/room?who=ann")
    client.send_text("rename eve")
    assert client.read_text() == "rename"
    assert presence.here("room") == ["eve"]
    client.finish()
    wait_for(presence)


def test_announcements(accelerated: Accelerated, use: Any) -> None:
    use(0.05, announce=True)
    server = accelerated(consumers.Announced.as_asgi())
    ann = server.websocket("/?who=ann")
    assert ann.read_text() == "joined ann from page"
    tabs = [server.websocket("/?who=bob"), server.websocket("/?who=bob")]
    assert ann.read_text() == "joined bob from page"
    for tab in tabs:
        tab.close()
    assert ann.read_text() == "left bob"
    server.websocket("/?who=cid")
    assert ann.read_text() == "joined cid from page"


def test_announcement_comes_before_what_the_consumer_sends_next(
    accelerated: Accelerated, use: Any
) -> None:
    use(0, announce=True)
    client = accelerated(consumers.Greeting.as_asgi()).websocket("/?who=ann")
    assert [client.read_text() for _ in range(2)] == ["joined ann from page", "hello"]


def test_reload_is_not_announced(accelerated: Accelerated, use: Any) -> None:
    use(FOREVER, announce=True)
    server = accelerated(consumers.Announced.as_asgi())
    ann = server.websocket("/?who=ann")
    server.websocket("/?who=bob").close()
    wait_until(lambda: server.count() == (1, 1), "bob's connection is still there")
    server.websocket("/?who=bob")
    server.websocket("/?who=cid")
    texts = [ann.read_text() for _ in range(3)]
    assert texts == [f"joined {who} from page" for who in ("ann", "bob", "cid")]


async def visit(consumer: type[consumers.Room], who: str) -> WebsocketCommunicator:
    """Connect as on a server that knows nothing of casgi."""
    communicator = WebsocketCommunicator(consumer.as_asgi(), f"/room?who={who}")
    assert (await communicator.connect())[0]
    return communicator


async def test_elsewhere_by_leave(layer: Any, use: Any) -> None:
    presence = use(0)
    ann, bob = await visit(consumers.Polite, "ann"), await visit(consumers.Polite, "bob")
    assert presence.here("room") == ["ann", "bob"]
    await ann.disconnect()
    assert presence.here("room") == ["bob"]
    await bob.disconnect()
    assert presence.here("room") == []


async def test_elsewhere_at_the_latest_when_the_consumer_is_freed(layer: Any, use: Any) -> None:
    presence = use(0)
    ann = await visit(consumers.Room, "ann")
    await ann.disconnect()
    del ann
    gc.collect()
    await turns(lambda: presence.here("room") == [])


def test_announcement_that_fails_does_not_end_the_consumer(
    accelerated: Accelerated, layer: Any, use: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(group: str, message: dict[str, Any]) -> None:
        raise ConnectionError("away")

    presence = use(0, announce=True)
    monkeypatch.setattr(layer, "group_send", fail)
    server = accelerated(consumers.Announced.as_asgi())
    ann = server.websocket("/?who=ann")
    server.reports.expect("presence.joined", "away")
    assert presence.here("room") == ["ann"]
    ann.finish()
    server.reports.expect("presence.left", "away")


def test_nobody_of_a_loop_that_is_closed(layer: Any, use: Any) -> None:
    presence = use(FOREVER)

    async def come(who: str) -> None:
        await (await visit(consumers.Polite, who)).disconnect()
        assert presence.here("room") == [who]

    asyncio.run(come("ann"))
    assert (presence.here("room"), presence.count("room")) == ([], 0)
    asyncio.run(come("bob"))


def test_two_loops_at_once(accelerated: Accelerated, use: Any) -> None:
    use(0)
    server = accelerated(consumers.Room.as_asgi())
    server.websocket("/room?who=ann")

    with pytest.raises(RuntimeError, match="another event loop"):
        asyncio.run(consumers.presence.enter(Visitor(), "room", "bob"))
