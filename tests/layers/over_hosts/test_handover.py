"""The process that is its host's link ends while another host sends: the next one takes over."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import queue
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import asyncio as aioredis
from support.redis_server import RedisServer

from casgi.channels.hosts import candidate, link, wire
from casgi.channels.hosts.settings import LinkSettings
from casgi.channels.hub.names import process_topic
from casgi.hub.connection import connection_to
from casgi.hub.project import project_name

PROGRAM = Path(__file__).with_name("member.py")
SECONDS = 60.0


class Member:
    """The test's side of member.py."""

    def __init__(self, hub: str, redis: str, prefix: str) -> None:
        path = os.pathsep.join(path for path in sys.path if path)
        self.process = subprocess.Popen(
            [sys.executable, PROGRAM, hub, redis, prefix],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"
        self.heard: list[int] = []
        self.gaps = 0
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line == "gap\n":
                self.gaps += 1
            else:
                self.heard.append(int(line))

    def end(self) -> None:
        """End it in good order; return when it has ended."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(SECONDS) == 0

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._thread.join()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


@pytest.fixture
def members(
    redis: RedisServer, prefix: str, new_hub: Callable[[], str]
) -> Iterator[tuple[Member, Member]]:
    """Two processes of one host; the first is the link."""
    hub = new_hub()
    with contextlib.ExitStack() as stack:
        first = Member(hub, redis.url, prefix)
        stack.callback(first.close)
        second = Member(hub, redis.url, prefix)
        stack.callback(second.close)
        yield first, second


async def send_until(layer: Any, number: int, condition: Callable[[], bool]) -> int:
    """Send numbers from this one on; return the one that comes next."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await layer.group_send("group", {"type": "x", "number": number})
            number += 1
            await asyncio.sleep(0.001)
    return number


async def test_link_that_ends_hands_over(
    redis: RedisServer, members: tuple[Member, Member], new_host: Callable[..., Any]
) -> None:
    first, second = members
    layer = new_host([redis.url])
    number = await send_until(layer, 0, lambda: len(second.heard) > 50)
    ending = asyncio.create_task(asyncio.to_thread(first.end))
    number = await send_until(layer, number, ending.done)
    await ending
    number = await send_until(layer, number, lambda: second.heard[-1] > number)
    async with asyncio.timeout(SECONDS):
        while second.heard[-1] != number - 1:
            await asyncio.sleep(0.01)
    assert second.heard == list(range(number))
    assert second.gaps == 0


async def test_link_that_is_killed_is_replaced(
    redis: RedisServer, members: tuple[Member, Member], new_host: Callable[..., Any]
) -> None:
    first, second = members
    """Neither its own host nor the others know what it had not passed on."""
    layer = new_host([redis.url])
    await layer.new_channel()
    number = await send_until(layer, 0, lambda: len(second.heard) > 50)
    first.process.kill()
    number = await send_until(layer, number, lambda: second.gaps > 0 and layer.gaps > 0)
    await send_until(layer, number, lambda: second.heard[-1] > number)
    assert second.heard == sorted(set(second.heard))


class Ear:
    """Hears the topics of a hub that it has announced."""

    def __init__(self, hub: str, prefix: str, *topics: bytes) -> None:
        self.heard: queue.SimpleQueue[tuple[bytes, bytes]] = queue.SimpleQueue()
        self._connection = connection_to(hub)
        self._connection.enter(prefix, self)
        for topic in topics:
            self._connection.wait(self._connection.announce(topic))
        self._connection.read_always()

    def take(self, topic: bytes, payload: bytes) -> int:
        self.heard.put((topic, payload))
        return 0

    def take_message(self, channel: bytes, payload: bytes) -> int:
        return 0

    def waits_for(self, channel: bytes) -> bool:
        return False

    def report_gap(self) -> None: ...

    def leave_to_parent(self) -> None: ...


def redis_channel(prefix: str, partition: int) -> bytes:
    return wire.redis_channel(project_name(), prefix, partition, 16)


def lease_path(layer: Any, prefix: str, redis: RedisServer) -> Path:
    return Path(LinkSettings(layer.hub_path, prefix, [redis.url], False, 16).lease_path)


async def test_link_whose_time_is_over_says_that_messages_are_missing(
    redis: RedisServer,
    prefix: str,
    new_host: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A successor that has taken over some of the partitions must not believe it was all."""
    monkeypatch.setattr(link, "_HANDOVER", 0.1)
    layer = new_host([redis.url])
    await layer.group_add("group", await layer.new_channel())
    host = bytes.fromhex(lease_path(layer, prefix, redis).read_text().split()[0])
    successor, other = process_topic(prefix, "successor"), process_topic(prefix, "other")
    ear = await asyncio.to_thread(Ear, layer.hub_path, prefix, successor, other)
    async with aioredis.from_url(redis.url) as client:
        mark = wire.head(host, 2, 1) + wire.MARK + b"successor"
        await client.publish(redis_channel(prefix, 0), mark)
        head = wire.head(bytes(wire.HOST_BYTES), 1, 1)
        text = head + wire.message(other, b"behind the mark")
        await client.publish(redis_channel(prefix, 1), text)
    assert await asyncio.to_thread(ear.heard.get, True, SECONDS) == (other, b"behind the mark")
    with open(f"{lease_path(layer, prefix, redis)}.queue", "w") as waiting:  # noqa: ASYNC230
        fcntl.flock(waiting, fcntl.LOCK_SH)
        await asyncio.to_thread(candidate.leave_all)
    assert await asyncio.to_thread(ear.heard.get, True, SECONDS) == (successor, wire.GAP)


async def test_successor_of_a_link_whose_time_was_over_reports_a_gap(
    redis: RedisServer, prefix: str, new_host: Callable[..., Any]
) -> None:
    layer = new_host([redis.url])
    lease_path(layer, prefix, redis).write_text(f"{uuid.uuid4().hex} 1 leaving")
    async with aioredis.from_url(redis.url) as client, client.pubsub() as marks:
        await marks.subscribe(redis_channel(prefix, 0))
        await layer.group_add("group", await layer.new_channel())
        async with asyncio.timeout(SECONDS):
            while (mark := await marks.get_message(ignore_subscribe_messages=True)) is None:
                pass
            name = wire.split(mark["data"])[2].removeprefix(wire.MARK).decode()
            connection, topic = connection_to(layer.hub_path), process_topic(prefix, name)
            await asyncio.to_thread(connection.do, lambda one: one.publish(topic, wire.GAP))
            while layer.gaps == 0:
                await asyncio.sleep(0.01)
    assert layer.gaps == 1
