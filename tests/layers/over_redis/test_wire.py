"""casgi's layers and the originals, in other processes, on the same Redis."""

from __future__ import annotations

import json
from typing import Any

import pytest
from redis import Redis
from support.redis_server import RedisServer
from support.reports import wait_until

from casgi.channels import RedisPubSubChannelLayer

SAID = {"type": "said", "text": "from the original"}
EVERY_TYPE = {"type": "message", "list": [1, 2.5, None, True], "map": {"ä": "ö"}, "big": 2**40}

OPTIONS: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "encrypted": {"symmetric_encryption_keys": ["new key", "old key"]},
    "json": {"serializer_format": "json"},
}


@pytest.fixture(params=list(OPTIONS))
def options(request: pytest.FixtureRequest) -> dict[str, Any]:
    return OPTIONS[request.param]


def test_both_ways(options: Any, new_layer: Any, original: Any, serve_rooms: Any) -> None:
    other = original(**options)
    channel = other.ask("new_channel")
    other.ask("group_add", "room", channel)
    server = serve_rooms(new_layer(**options))
    ada, ben = server.websocket("/"), server.websocket("/")

    other.ask("group_send", "room", SAID)
    assert [ada.read_text(), ben.read_text()] == [SAID["text"]] * 2
    assert other.ask("receive", channel) == SAID

    ada.send_text("say from casgi")
    assert [ada.read_text(), ben.read_text()] == ["from casgi"] * 2
    assert other.ask("receive", channel) == {"type": "said", "text": "from casgi"}

    ada.send_text("name")
    other.ask("send", ada.read_text(), EVERY_TYPE)
    assert json.loads(ada.read_text()) == EVERY_TYPE

    ben.send_text(f"tell {channel}")
    assert other.ask("receive", channel) == {"type": "said", "text": "psst"}


def test_sharded_over_two_servers(
    kind: str,
    redis: RedisServer,
    second_redis: RedisServer,
    new_layer: Any,
    original: Any,
    serve_rooms: Any,
) -> None:
    urls = [redis.url, second_redis.url]
    other = original(hosts=[{"address": url, "socket_timeout": None} for url in urls])
    server = serve_rooms(new_layer(hosts=urls))
    ada = server.websocket("/")
    channel = other.ask("new_channel")
    groups = [f"group-{number}" for number in range(8)]
    for group in groups:
        other.ask("group_add", group, channel)
        ada.send_text(f"join {group}")
        assert ada.read_text() == "joined"
    for group in groups:
        other.ask("group_send", group, SAID)
        assert ada.read_text() == SAID["text"]
        assert other.ask("receive", channel) == SAID
    # The original's own receive() looks on one server, and its send() may use the other; ours hears
    # it on either.
    ada.send_text("name")
    name = ada.read_text()
    other.ask("send", name, SAID)
    assert ada.read_text() == SAID["text"]
    ada.send_text(f"tell {channel}")
    assert other.ask("receive", channel) == {"type": "said", "text": "psst"}


@pytest.mark.parametrize("kind", ["pubsub"])
def test_one_subscription_of_a_process_to_a_group(
    prefix: str, redis: RedisServer, new_layer: Any, serve_rooms: Any
) -> None:
    server = serve_rooms(new_layer())
    client = Redis.from_url(redis.url)

    def members() -> int:
        name = f"{prefix}__group__room"
        return int(dict(client.pubsub_numsub(name))[name.encode()])

    with client:
        assert members() == 0
        ada, ben, cleo = (server.websocket("/") for _ in range(3))
        assert members() == 1
        ada.send_text("leave room")
        assert ada.read_text() == "left"
        ben.close()
        cleo.send_text("say still here")
        assert cleo.read_text() == "still here"
        assert members() == 1
        cleo.close()
        wait_until(lambda: members() == 0, "the process is still a member of the group")
        ada.send_text("join room")
        assert ada.read_text() == "joined"
        assert members() == 1


def test_members_that_come_and_go_at_once(new_layer: Any, serve_rooms: Any) -> None:
    server = serve_rooms(new_layer())
    for number in range(20):
        with server.websocket("/") as client:
            client.send_text(f"say {number}")
            assert client.read_text() == str(number)


@pytest.mark.parametrize("kind", ["pubsub"])
def test_a_user_who_may_not_use_patterns(
    prefix: str, redis: RedisServer, original: Any, serve_rooms: Any
) -> None:
    """A Redis may allow a user channels of certain names, and then refuses patterns of them."""
    with Redis.from_url(redis.url) as administrator:
        administrator.acl_setuser(
            "limited",
            enabled=True,
            passwords=["+secret"],
            keys=["*"],
            channels=[f"{prefix}*"],
            categories=["+@all"],
            reset=True,
        )
        url = redis.url.replace("//", "//limited:secret@")
        server = serve_rooms(RedisPubSubChannelLayer(hosts=[url], prefix=prefix))
        other = original()
        ada = server.websocket("/")
        for _ in range(70):
            with server.websocket("/") as somebody:
                somebody.send_text("name")
                name = somebody.read_text()
                other.ask("send", name, SAID)
                assert somebody.read_text() == SAID["text"]
        ada.send_text("say hello")
        assert ada.read_text() == "hello"
        subscribed: Any = administrator.pubsub_channels(f"{prefix}*")
        assert len(subscribed) < 20, "those of people who have gone are still subscribed to"
