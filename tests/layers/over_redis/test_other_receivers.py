"""Receivers that are no consumers on casgi connections: they get what the original would give."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any

import channels_redis.core
import channels_redis.pubsub
import pytest
from asgiref.sync import async_to_sync
from channels.exceptions import ChannelFull
from redis import Redis
from support.redis_server import RedisServer

from casgi.channels import RedisChannelLayer, RedisPubSubChannelLayer

ORIGINALS = {
    "core": channels_redis.core.RedisChannelLayer,
    "pubsub": channels_redis.pubsub.RedisPubSubChannelLayer,
}
KINDS = {"core": RedisChannelLayer, "pubsub": RedisPubSubChannelLayer}
DEADLINE = 30.0


async def get(layer: Any, channel: str) -> Any:
    return await asyncio.wait_for(layer.receive(channel), DEADLINE)


async def test_receivers_among_consumers(new_layer: Any, serve_rooms: Any) -> None:
    """One process, one loop or two, one key in Redis: each gets its own."""
    layer = new_layer()
    client = await asyncio.to_thread(lambda: serve_rooms(layer).websocket("/"))
    channel = await layer.new_channel()
    await layer.group_add("room", channel)
    await layer.group_send("room", {"type": "said", "text": "all"})
    assert await get(layer, channel) == {"type": "said", "text": "all"}
    assert await asyncio.to_thread(client.read_text) == "all"
    client.send_text(f"tell {channel}")
    assert await get(layer, channel) == {"type": "said", "text": "psst"}
    await layer.group_discard("room", channel)
    client.send_text("say alone")
    assert await asyncio.to_thread(client.read_text) == "alone"
    await layer.send(channel, {"type": "mark"})
    assert await get(layer, channel) == {"type": "mark"}


async def test_cancelled_receivers_lose_nothing(prefix: str, redis: RedisServer) -> None:
    layer = RedisChannelLayer(hosts=[redis.url], prefix=prefix)
    channel = await layer.new_channel()
    seen = []
    for number in range(30):
        receiver = asyncio.ensure_future(layer.receive(channel))
        await asyncio.sleep(0.001 * (number % 5))
        await layer.send(channel, {"type": "message", "number": number})
        receiver.cancel()
        try:
            seen.append((await receiver)["number"])
        except asyncio.CancelledError:
            seen.append((await get(layer, channel))["number"])
    assert seen == list(range(30))
    await layer.close_pools()


async def test_messages_stay_in_redis_until_somebody_waits(prefix: str, redis: RedisServer) -> None:
    layer = RedisChannelLayer(hosts=[redis.url], prefix=prefix, capacity=2)
    channel = await layer.new_channel()
    for number in range(2):
        await layer.send(channel, {"type": "message", "number": number})
    with pytest.raises(ChannelFull):
        await layer.send(channel, {"type": "message", "number": 2})
    assert [(await get(layer, channel))["number"] for _ in range(2)] == [0, 1]
    await layer.close_pools()


async def test_general_channels_survive_an_outage(own_redis: RedisServer) -> None:
    """What runworker waits on."""
    layer = RedisChannelLayer(hosts=[own_redis.url])
    worker = asyncio.ensure_future(layer.receive("worker"))
    while not layer._layers:
        await asyncio.sleep(0)
    own_redis.kill()
    while not layer._outages._away:
        await asyncio.sleep(0.01)
    own_redis.start()
    await layer.send("worker", {"type": "work"})
    assert await asyncio.wait_for(worker, DEADLINE) == {"type": "work"}
    await layer.close_pools()


async def test_nobody_is_disturbed_by_the_time_out_of_redis_py(
    prefix: str, redis: RedisServer
) -> None:
    """The settings limit commands to less than a read blocks."""
    hosts = [{"address": redis.url, "socket_timeout": 3}]
    layer = RedisChannelLayer(hosts=hosts, prefix=prefix)
    layer.brpop_timeout = 4
    channel = await layer.new_channel()
    receivers = [asyncio.ensure_future(layer.receive(one)) for one in (channel, "general")]
    with Redis.from_url(redis.url) as observer:
        for _ in range(2):
            # Each of the two blocks anew when that time is over.
            before: Any = observer.info("commandstats")
            while True:
                now: Any = observer.info("commandstats")
                if _pops(now) >= _pops(before) + 2:
                    break
                await asyncio.sleep(0.05)
    assert not any(receiver.done() for receiver in receivers)
    assert layer.gaps == 0
    await layer.send(channel, {"type": "one"})
    await layer.send("general", {"type": "two"})
    assert [(await receiver)["type"] for receiver in receivers] == ["one", "two"]
    await layer.close_pools()


def _pops(statistics: Any) -> int:
    calls: int = statistics.get("cmdstat_bzpopmin", {}).get("calls", 0)
    return calls


def test_many_threads_send(new_layer: Any, serve_rooms: Any) -> None:
    layer = new_layer()
    server = serve_rooms(layer)
    clients = [server.websocket("/") for _ in range(3)]
    clients[0].send_text("name")
    name = clients[0].read_text()

    def send(number: int) -> None:
        async_to_sync(layer.group_send)("room", {"type": "said", "text": str(number)})
        async_to_sync(layer.send)(name, {"type": "said", "text": f"to you {number}"})

    threads = [threading.Thread(target=send, args=[number]) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    heard = {client.read_text() for _ in range(20) for client in clients[1:]}
    assert heard == {str(number) for number in range(20)}
    private = {clients[0].read_text() for _ in range(40)} - heard
    assert private == {f"to you {number}" for number in range(20)}


def test_a_script_without_a_server(new_layer: Any, original: Any) -> None:
    other = original()
    channel = other.ask("new_channel")
    other.ask("group_add", "room", channel)
    layer = new_layer()
    for number in range(3):
        async_to_sync(layer.group_send)("room", {"type": "said", "text": str(number)})
        assert other.ask("receive", channel)["text"] == str(number)
    assert layer._layers == {}


def test_loops_that_close_leave_nothing(new_layer: Any) -> None:
    """Any task that is left would warn, and warnings are errors here."""
    layer = new_layer()

    async def receive_and_leave() -> None:
        channel = await layer.new_channel()
        await layer.group_add("room", channel)
        receiver = asyncio.ensure_future(layer.receive(channel))
        await layer.group_send("room", {"type": "said"})
        assert await asyncio.wait_for(receiver, DEADLINE) == {"type": "said"}
        forgotten.append(asyncio.ensure_future(layer.receive(channel)))
        await asyncio.sleep(0)

    forgotten: list[Any] = []
    for _ in range(3):
        asyncio.run(receive_and_leave())
    assert layer._layers == {}


def test_additions(new_layer: Any, serve_rooms: Any) -> None:
    layer = new_layer()
    server = serve_rooms(layer)
    ada, ben = server.websocket("/"), server.websocket("/")
    names = []
    for client in (ada, ben):
        client.send_text("name")
        names.append(client.read_text())
    assert async_to_sync(layer.group_channels)("room") == names
    assert async_to_sync(layer.group_channels)("nobody") == []
    ada.send_text("join corner")
    assert ada.read_text() == "joined"
    message = {"type": "said", "text": "twice to Ada"}
    async_to_sync(layer.group_send_many)(["corner", "room", "nobody"], message)
    assert [ada.read_text(), ada.read_text(), ben.read_text()] == ["twice to Ada"] * 3
    ben.send_text("say end")
    assert [ada.read_text(), ben.read_text()] == ["end"] * 2


def test_flush(new_layer: Any, serve_rooms: Any, kind: str) -> None:
    layer = new_layer()
    server = serve_rooms(layer)
    ada = server.websocket("/")
    asyncio.run_coroutine_threadsafe(layer.flush(), server.loop).result(DEADLINE)
    assert async_to_sync(layer.group_channels)("room") == []
    ada.send_text("join corner")
    assert ada.read_text() == "joined"
    async_to_sync(layer.group_send)("room", {"type": "said", "text": "no longer"})
    async_to_sync(layer.group_send)("corner", {"type": "said", "text": "anew"})
    assert ada.read_text() == "anew"


async def test_adopting_an_original_that_is_in_use(
    kind: str, prefix: str, redis: RedisServer, original: Any
) -> None:
    layer: Any = ORIGINALS[kind](
        hosts=[{"address": redis.url, "socket_timeout": None}], prefix=prefix
    )
    channel = await layer.new_channel()
    await layer.group_add("room", channel)
    await layer.group_send("room", {"type": "said", "text": "before"})
    assert await get(layer, channel) == {"type": "said", "text": "before"}

    layer.__class__ = KINDS[kind]
    layer._adopt()
    await layer.group_send("another", {"type": "said"})
    other = original()
    for number in range(50):
        # What is published while one connection takes over from the other may come twice.
        await asyncio.to_thread(other.ask, "group_send", "room", {"type": "said", "number": number})
    while (await get(layer, channel))["number"] != 49:
        pass
    await layer.group_discard("room", channel)
    await layer.flush()


async def test_waiting_with_a_time_limit_loses_nothing(new_layer: Any) -> None:
    """Messages come while somebody waits, just when he gives up, and while nobody waits."""
    layer = new_layer()
    channel = await layer.new_channel()
    sent: list[int] = []
    received: list[int] = []

    async def send_all() -> None:
        for number in range(60):
            await layer.send(channel, {"type": "test", "number": number})
            sent.append(number)
            await asyncio.sleep(0.002 * (number % 3))

    sending = asyncio.ensure_future(send_all())
    async with asyncio.timeout(DEADLINE):
        while len(received) < 60:
            with contextlib.suppress(TimeoutError):
                message = await asyncio.wait_for(layer.receive(channel), 0.001)
                received.append(message["number"])
    await sending
    assert received == sent
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(layer.receive(channel), 0.001)
    await layer.send(channel, {"type": "test", "number": 60})
    assert (await asyncio.wait_for(layer.receive(channel), 10))["number"] == 60
    await layer.flush()
