"""Redis goes away and comes back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis
from support.redis_server import RedisServer
from support.reports import wait_until
from support.stalling_proxy import StallingProxy
from support.ws import WebSocketClient


def read_until(client: WebSocketClient, text: str) -> list[str]:
    """Return what comes before this text."""
    seen = []
    while (one := client.read_text()) != text:
        seen.append(one)
    return seen


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the layers notice within some seconds that nobody answers.

    A machine does not hold up Redis, or the layers, for so long.
    """
    monkeypatch.setattr("casgi.channels.redis.reader.READING_MARGIN", 4.0)
    monkeypatch.setattr("casgi.channels.redis.pools.COMMAND_SECONDS", 4.0)
    monkeypatch.setattr("casgi.channels.redis.subscription.COMMAND_SECONDS", 4.0)
    monkeypatch.setattr("casgi.channels.redis.subscription.IDLE_SECONDS", 0.5)
    monkeypatch.setattr("casgi.channels.redis.core.RedisChannelLayer.brpop_timeout", 1)


def said_and_heard(clients: list[WebSocketClient], text: str) -> None:
    clients[0].send_text(f"say {text}")
    assert [read_until(client, text) for client in clients] == [[]] * len(clients)


def test_redis_is_killed_and_restarted(
    own_redis: RedisServer,
    new_layer: Any,
    original: Any,
    serve_rooms: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    layer = new_layer(hosts=[own_redis.url])
    server = serve_rooms(layer)
    clients = [server.websocket("/") for _ in range(5)]
    said_and_heard(clients, "before")

    own_redis.kill()
    clients[0].send_text("say into the void")
    assert clients[0].read_text() == "failed: ConnectionError"
    server.reports.expect("Redis is away", own_redis.url)
    assert layer.gaps == 0

    own_redis.start()
    assert [read_until(client, "gap") for client in clients] == [[]] * 5
    said_and_heard(clients, "after")
    other = original(hosts=[{"address": own_redis.url}])
    other.ask("group_send", "room", {"type": "said", "text": "from elsewhere"})
    assert [client.read_text() for client in clients] == ["from elsewhere"] * 5
    assert layer.gaps == 1
    ours = [record for record in caplog.records if record.name == "casgi.channels"]
    assert [record.levelno for record in ours] == [logging.ERROR, logging.WARNING]


def test_redis_is_killed_again_and_again_while_all_talk(
    own_redis: RedisServer, kind: str, new_layer: Any, serve_rooms: Any
) -> None:
    # A full channel misses messages, and this test waits for certain ones.
    options = {"capacity": 1000} if kind == "core" else {}
    layer = new_layer(hosts=[own_redis.url], **options)
    server = serve_rooms(layer)
    clients = [server.websocket("/") for _ in range(10)]
    for _ in range(3):
        for number in range(20):
            for client in clients:
                client.send_text(f"say {number}")
            if number == 10:
                own_redis.kill()
        server.reports.expect("Redis is away")
        own_redis.start()
        for client in clients:
            read_until(client, "gap")
    clients[0].send_text("say the end")
    for client in clients:
        read_until(client, "the end")
    assert layer.gaps == 3


@pytest.mark.parametrize("kind", ["core"])
def test_databases_of_one_server(
    own_redis: RedisServer, prefix: str, new_layer: Any, serve_rooms: Any
) -> None:
    hosts = [{"host": "127.0.0.1", "port": own_redis.port, "db": number} for number in range(3)]
    server = serve_rooms(new_layer(hosts=hosts))
    client = server.websocket("/")
    for number in range(12):
        client.send_text(f"join group-{number}")
        assert client.read_text() == "joined"
    own_redis.kill()
    server.reports.expect("Redis is away")
    own_redis.start()
    assert read_until(client, "gap") == []
    counts = []
    for number in range(3):
        with Redis.from_url(f"{own_redis.url}/{number}") as redis:
            counts.append(len(redis.keys(f"{prefix}:group:*")))
    assert all(counts)
    assert sum(counts) == 13


@pytest.fixture
def proxy(own_redis: RedisServer) -> Iterator[StallingProxy]:
    with StallingProxy(own_redis.port) as proxy:
        yield proxy


@pytest.mark.usefixtures("fast")
def test_redis_stops_answering(proxy: StallingProxy, new_layer: Any, serve_rooms: Any) -> None:
    layer = new_layer(hosts=[proxy.url])
    server = serve_rooms(layer)
    clients = [server.websocket("/") for _ in range(3)]
    said_and_heard(clients, "before")
    proxy.stall()
    clients[0].send_text("say is anybody there?")
    assert clients[0].read_text() == "failed: TimeoutError"
    server.reports.expect("Redis is away")
    proxy.go_on()
    # What was on its way when it stopped may arrive or not.
    for client in clients:
        read_until(client, "gap")
    clients[0].send_text("say after")
    for client in clients:
        read_until(client, "after")
    assert layer.gaps == 1


@pytest.mark.usefixtures("fast")
def test_silence_is_no_outage(own_redis: RedisServer, new_layer: Any, serve_rooms: Any) -> None:
    layer = new_layer(hosts=[own_redis.url])
    server = serve_rooms(layer)
    client = server.websocket("/")
    with Redis.from_url(own_redis.url) as redis:

        def reads() -> int:
            statistics: Any = redis.info("commandstats")
            return sum(statistics.get(f"cmdstat_{one}", {}).get("calls", 0) for one in READS)

        before = reads()
        wait_until(lambda: reads() >= before + 3, "nobody reads")
    said_and_heard([client], "still here")
    assert layer.gaps == 0


READS = ("bzpopmin", "ping")


def test_members_while_redis_is_away(
    own_redis: RedisServer, kind: str, prefix: str, new_layer: Any, serve_rooms: Any
) -> None:
    layer = new_layer(hosts=[own_redis.url])
    server = serve_rooms(layer)
    ada, ben = server.websocket("/"), server.websocket("/")
    ada.send_text("join corner")
    assert ada.read_text() == "joined"
    own_redis.kill()
    server.reports.expect("Redis is away")
    ada.send_text("leave corner")
    assert read_until(ada, "left") == ([] if kind == "pubsub" else ["failed: ConnectionError"])
    ben.send_text("join garden")
    assert read_until(ben, "joined") == ["failed: ConnectionError"]
    own_redis.start()
    read_until(ada, "gap")
    read_until(ben, "gap")
    with Redis.from_url(own_redis.url) as redis:
        if kind == "core":
            assert redis.keys(f"{prefix}:group:*") == [f"{prefix}:group:room".encode()]
        else:
            assert redis.pubsub_channels() == [f"{prefix}__group__room".encode()]


def test_redis_is_emptied(
    kind: str, own_redis: RedisServer, new_layer: Any, serve_rooms: Any
) -> None:
    server = serve_rooms(new_layer(hosts=[own_redis.url]))
    clients = [server.websocket("/") for _ in range(2)]
    with Redis.from_url(own_redis.url) as redis:
        redis.flushall()
        said_and_heard(clients, "to those who are here")
        if kind == "core":
            (key,) = redis.keys("*:group:room")
            assert redis.zcard(key) == len(clients)


def test_a_message_that_nobody_can_read(new_layer: Any, original: Any, serve_rooms: Any) -> None:
    server = serve_rooms(new_layer(symmetric_encryption_keys=["secret"]))
    client = server.websocket("/")
    stranger = original(symmetric_encryption_keys=["another"])
    stranger.ask("group_send", "room", {"type": "said", "text": "secret"})
    friend = original(symmetric_encryption_keys=["secret"])
    friend.ask("group_send", "room", {"type": "said", "text": "hello"})
    assert client.read_text() == "hello"
    server.reports.expect("cannot be read")
