"""The small parts: delays, log lines, names of servers, what a message is after a journey."""

from __future__ import annotations

from typing import Any

import pytest
from channels_redis.serializers import JSONSerializer, MsgPackSerializer

from casgi.channels.redis.pools import COMMAND_SECONDS, command_pool, reading_pool, server_name
from casgi.channels.redis.reconnect import Backoff, Outages
from casgi.channels.redis.serialization import as_received


def test_delays_grow_to_a_limit() -> None:
    backoff = Backoff(first=0.1, longest=10)
    delays = [backoff.next_delay() for _ in range(2000)]
    assert 0.05 <= delays[0] <= 0.1
    assert all(5 <= delay <= 10 for delay in delays[7:])
    assert len(set(delays[7:])) > 100
    backoff.reset()
    assert backoff.next_delay() <= 0.1


def test_an_outage_is_news_once(caplog: pytest.LogCaptureFixture) -> None:
    outages = Outages()
    assert not outages.end("one")
    for _ in range(3):
        outages.begin("one", OSError("gone"))
    outages.begin("two", TimeoutError())
    assert [outages.end("one"), outages.end("one")] == [True, False]
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR", "WARNING"]
    assert "one (gone)" in caplog.messages[0]
    assert "two (TimeoutError)" in caplog.messages[1]


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ({"address": "rediss://me:secret@host:1/2?ssl_cert=x"}, "rediss://host:1/2"),
        ({"address": "unix:///run/redis.sock"}, "unix:///run/redis.sock"),
        ({"host": "there", "port": 7}, "there:7"),
        ({"sentinels": [("a", 1)], "master_name": "main"}, "sentinel master main"),
    ],
)
def test_servers_are_named_without_secrets(host: dict[str, Any], name: str) -> None:
    assert server_name(host) == name


@pytest.mark.parametrize("value", [0.5, 60.0])
def test_time_limits_of_the_settings(value: float) -> None:
    for host in (
        {"address": "redis://host", "socket_timeout": value},
        {"address": f"redis://host?socket_timeout={value}"},
        {"host": "host", "port": 6379, "socket_timeout": value},
    ):
        assert command_pool(host).connection_kwargs["socket_timeout"] == value
        assert reading_pool(host).connection_kwargs["socket_timeout"] is None


def test_time_limits_when_none_is_set() -> None:
    sentinels = {"sentinels": [("host", 26379)], "master_name": "main"}
    for host in ({"address": "redis://host"}, {"host": "host", "socket_timeout": None}, sentinels):
        pool = command_pool(host)
        assert pool.connection_kwargs["socket_timeout"] == COMMAND_SECONDS
        assert pool.connection_kwargs["socket_connect_timeout"] == COMMAND_SECONDS
        for sentinel in getattr(getattr(pool, "sentinel_manager", None), "sentinels", []):
            options = sentinel.connection_pool.connection_kwargs
            assert options["socket_timeout"] == COMMAND_SECONDS


class OnlyTheWhole:
    """A serializer as channels_redis lets one register it."""

    def serialize(self, message: Any) -> bytes:
        return repr(message).encode()

    def deserialize(self, message: bytes) -> Any:
        return {"type": message.decode()}


class Signed(MsgPackSerializer):
    """One that changes the whole: it is asked, though it has the parts, too."""

    def serialize(self, message: Any) -> bytes:
        whole: bytes = super().serialize({**message, "signed": True})
        return whole


def test_whole_that_is_done_in_another_way() -> None:
    expected = {"type": "x", "signed": True}
    assert as_received(Signed(), {"type": "x"}) == expected
    traced = MsgPackSerializer()
    traced.serialize = lambda message: Signed().serialize(message)
    assert as_received(traced, {"type": "x"}) == expected
    read = MsgPackSerializer()
    read.deserialize = lambda message: {"type": "read"}
    assert as_received(read, {"type": "x"}) == {"type": "read"}


def test_as_received() -> None:
    message = {"type": "x", "pair": (1, 2), "inner": {"list": []}}
    copy = as_received(MsgPackSerializer(random_prefix_length=12), message)
    assert copy == {"type": "x", "pair": [1, 2], "inner": {"list": []}}
    copy["inner"]["list"].append(1)
    assert message["inner"] == {"list": []}
    assert as_received(JSONSerializer(), {"type": "x", "map": {1: 2}})["map"] == {"1": 2}
    assert as_received(OnlyTheWhole(), {"a": 1}) == {"type": "{'a': 1}"}
    with pytest.raises(TypeError):
        as_received(MsgPackSerializer(), {"type": object()})
