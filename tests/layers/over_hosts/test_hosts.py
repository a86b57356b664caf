"""Two hosts with a hub each hear each other, over one Redis and over a Redis Cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from redis import asyncio as aioredis
from support.redis_server import RedisServer

from casgi.channels import RedisHubChannelLayer
from casgi.channels.hosts import candidate

SECONDS = 30.0

NewHost = Callable[..., Any]


async def received(layer: Any, channel: str) -> Any:
    return await asyncio.wait_for(layer.receive(channel), SECONDS)


@pytest.fixture(params=["one", "cluster"])
def hosts(request: pytest.FixtureRequest, new_host: NewHost) -> tuple[Any, Any]:
    """The layers of two hosts."""
    servers = request.getfixturevalue("redis" if request.param == "one" else "cluster")
    options: dict[str, Any] = {"cluster": True} if request.param == "cluster" else {}
    where = [servers.url] if request.param == "one" else servers.hosts
    return new_host(where, **options), new_host(where, **options)


async def test_groups_reach_both_hosts_in_order(hosts: tuple[Any, Any]) -> None:
    names = [await layer.new_channel() for layer in hosts]
    groups = [f"group-{number}" for number in range(20)]
    for layer, name in zip(hosts, names, strict=True):
        for group in groups:
            await layer.group_add(group, name)
    for number in range(30):
        for group in groups:
            await hosts[0].group_send(group, {"type": "x", "group": group, "number": number})
    for layer, name in zip(hosts, names, strict=True):
        by_group: dict[str, list[int]] = {group: [] for group in groups}
        for _ in range(30 * len(groups)):
            message = await received(layer, name)
            by_group[message["group"]].append(message["number"])
        assert all(numbers == list(range(30)) for numbers in by_group.values())
    assert [layer.gaps for layer in hosts] == [0, 0]


async def test_what_a_server_passes_on_too_late_is_left_out(
    redis: RedisServer, new_host: NewHost, prefix: str
) -> None:
    """As a node of a Cluster does that was held up: others have long had what came later."""
    here, there = new_host([redis.url]), new_host([redis.url])
    name = await there.new_channel()
    await there.group_add("group", name)
    async with aioredis.from_url(redis.url) as client, client.pubsub() as all_channels:
        await all_channels.psubscribe(f"casgi:*:{prefix}:*")
        first: Any = None
        for number in range(2):
            await here.group_send("group", {"type": "x", "number": number})
            assert await received(there, name) == {"type": "x", "number": number}
            while first is None or b"number" not in first["data"]:
                first = await all_channels.get_message(ignore_subscribe_messages=True, timeout=1)
        await client.publish(first["channel"], first["data"])
    await here.group_send("group", {"type": "last"})
    assert await received(there, name) == {"type": "last"}


async def test_channels_of_the_other_host(hosts: tuple[Any, Any]) -> None:
    here, there = hosts
    name = await there.new_channel()
    await here.send(name, {"type": "direct"})
    assert await received(there, name) == {"type": "direct"}
    await here.group_add("group", name)
    await here.group_send("group", {"type": "first"})
    assert await received(there, name) == {"type": "first"}
    await here.group_discard("group", name)
    await there.group_add("other", name)
    await here.group_send("group", {"type": "second"})
    await here.group_send("other", {"type": "third"})
    assert await received(there, name) == {"type": "third"}


async def test_channel_that_has_gone_from_all_hosts(hosts: tuple[Any, Any]) -> None:
    here, _ = hosts
    await here.new_channel()
    gone = "specific..casgi-0123456789ab!gone"
    await here.group_add("group", gone)
    await here.group_discard("group", gone)


async def test_plain_call_reaches_the_other_host(hosts: tuple[Any, Any]) -> None:
    here, there = hosts
    name = await there.new_channel()
    await there.group_add("group", name)
    await asyncio.to_thread(here.sync.group_send, "group", {"type": "plain"})
    assert await received(there, name) == {"type": "plain"}


async def test_large_message(hosts: tuple[Any, Any]) -> None:
    here, there = hosts
    name = await there.new_channel()
    await there.group_add("group", name)
    message = {"type": "large", "text": "x" * 2_000_000}
    await here.group_send("group", message)
    assert await received(there, name) == message


async def test_prefixes_do_not_hear_each_other(redis: RedisServer, new_host: NewHost) -> None:
    here, there = new_host([redis.url], prefix="one"), new_host([redis.url], prefix="two")
    same = new_host([redis.url], prefix="two")
    name = await there.new_channel()
    await there.group_add("group", name)
    await here.group_send("group", {"type": "other"})
    await same.group_send("group", {"type": "own"})
    assert await received(there, name) == {"type": "own"}


async def test_what_waits_for_redis_is_sent_when_it_is_there(
    redis: RedisServer, new_host: NewHost
) -> None:
    """A process that publishes before the link is connected loses nothing."""
    there = new_host([redis.url])
    name = await there.new_channel()
    await there.group_add("group", name)
    here = new_host([redis.url])
    await here.group_send("group", {"type": "early"})
    assert await received(there, name) == {"type": "early"}


def test_several_servers_are_for_a_cluster_only() -> None:
    with pytest.raises(ValueError, match="only for cluster=True"):
        RedisHubChannelLayer(["redis://127.0.0.1:1", "redis://127.0.0.1:2"], hub="/nowhere")
    with pytest.raises(ValueError, match="no databases"):
        RedisHubChannelLayer(["redis://127.0.0.1:1/2"], cluster=True, hub="/nowhere")
    with pytest.raises(ValueError, match="partitions"):
        RedisHubChannelLayer(partitions=0, hub="/nowhere")


async def test_no_cluster_is_said(
    redis: RedisServer, new_host: NewHost, caplog: pytest.LogCaptureFixture
) -> None:
    layer = new_host([redis.url], cluster=True)
    joining = asyncio.create_task(layer.new_channel())
    async with asyncio.timeout(SECONDS):
        while "cluster support disabled" not in caplog.text:
            await asyncio.sleep(0.01)
    await joining
    candidate.leave_all()
