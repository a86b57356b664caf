"""What casgi's layers can do besides the originals', and presence, with the layers on Redis."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from channels.layers import channel_layers
from support.redis_server import RedisServer
from support.server import LiveServer

from casgi.channels import Presence, RedisChannelLayer, RedisPubSubChannelLayer

from . import presence_consumers as consumers
from .conftest import Accelerated


@pytest.fixture(params=[RedisChannelLayer, RedisPubSubChannelLayer], ids=["core", "pubsub"])
def layer(request: pytest.FixtureRequest, redis_server: RedisServer) -> Iterator[Any]:
    """The default layer. The end of the server's loop closes its connections."""
    made = request.param(hosts=[redis_server.url])
    before = channel_layers.set("default", made)
    yield made
    channel_layers.set("default", before)


@pytest.fixture
def server(
    redis_server: RedisServer, accelerated: Accelerated, monkeypatch: pytest.MonkeyPatch
) -> LiveServer:
    """A server that stops before its Redis."""
    monkeypatch.setattr(consumers, "presence", Presence(0.05, announce=True))
    return accelerated(consumers.Announced.as_asgi())


def call(server: LiveServer, coroutine: Any) -> Any:
    return asyncio.run_coroutine_threadsafe(coroutine, server.loop).result(10)


def test_presence(server: LiveServer) -> None:
    ann = server.websocket("/?who=ann")
    assert ann.read_text() == "joined ann from page"
    bob = server.websocket("/?who=bob")
    assert ann.read_text() == "joined bob from page"
    assert consumers.presence.here("room") == ["ann", "bob"]
    bob.close()
    assert ann.read_text() == "left bob"


def test_group_channels(server: LiveServer, layer: Any) -> None:
    ann = server.websocket("/?who=ann")
    assert ann.read_text() == "joined ann from page"
    bob = server.websocket("/?who=bob")
    assert [one.read_text() for one in (ann, bob)] == ["joined bob from page"] * 2
    channels = call(server, layer.group_channels("room"))
    assert len(channels) == 2
    call(server, layer.send(channels[1], {"type": "presence.left", "who": "the second"}))
    assert bob.read_text() == "left the second"
    assert call(server, layer.group_channels("nobody")) == []


def test_group_send_many(server: LiveServer, layer: Any) -> None:
    ann = server.websocket("/?who=ann")
    assert ann.read_text() == "joined ann from page"
    [channel] = call(server, layer.group_channels("room"))
    call(server, layer.group_add("second", channel))
    message = {"type": "presence.left", "who": "x"}
    call(server, layer.group_send_many(["room", "nobody", "second"], message))
    call(server, layer.group_send("room", {**message, "who": "y"}))
    assert [ann.read_text() for _ in range(3)] == ["left x", "left x", "left y"]
