"""What a host's link could not pass on is followed by `layer_gap`, on the hosts that miss it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.redis_server import RedisServer
from support.stalling_proxy import StallingProxy

from casgi import _core
from casgi.channels import RedisHubChannelLayer
from casgi.channels.hosts import candidate, link
from casgi.channels.hosts import layer as hosts_layer
from casgi.channels.hosts.servers import OneServer, Place
from casgi.hub.connection import connection_to

SECONDS = 30.0

NewHost = Callable[..., Any]


@pytest.fixture
def slow(redis: RedisServer) -> Iterator[StallingProxy]:
    """A way to Redis by which nothing comes back, until it goes on."""
    with StallingProxy(redis.port) as proxy:
        proxy.stall()
        yield proxy


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[_core.Hub]:
    """A host's hub, which the test ends and starts again."""
    hub = _core.Hub(tmp_path / "hub-of-the-test")
    hub.start()
    yield hub
    candidate.leave_all()
    connection_to(hub.path).close()
    hub.stop()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


async def join(layer: Any) -> str:
    name: str = await layer.new_channel()
    await layer.group_add("group", name)
    return name


async def hears_the_next(here: Any, there: Any, name: str) -> None:
    await here.group_send("group", {"type": "last"})
    assert await asyncio.wait_for(there.receive(name), SECONDS) == {"type": "last"}


async def test_what_has_expired_before_the_link_was_up(
    redis: RedisServer, slow: StallingProxy, new_host: NewHost
) -> None:
    there, here = new_host([redis.url]), new_host([slow.url], expiry=0.001)
    name = await join(there)
    for _ in range(3):
        await here.group_send("group", {"type": "too old"})
    slow.go_on()
    await until(lambda: there.gaps > 0)
    here.expiry = 60
    await hears_the_next(here, there, name)
    assert (here.gaps, there.gaps) == (0, 1)


async def test_what_waited_in_a_hub_that_has_ended(
    redis: RedisServer, slow: StallingProxy, new_host: NewHost, prefix: str, hub: _core.Hub
) -> None:
    there = new_host([redis.url])
    name = await join(there)
    here = RedisHubChannelLayer([slow.url], hub=hub.path, prefix=prefix, partitions=16)
    await here.group_send("group", {"type": "lost"})
    await until(lambda: hub.metrics()["peers"] == 2)
    hub.stop()
    hub.start()
    await until(lambda: hub.metrics()["peers"] > 0)
    slow.go_on()
    await until(lambda: there.gaps > 0)
    await hears_the_next(here, there, name)


async def test_what_was_sent_to_a_host_whose_link_was_slow(
    redis: RedisServer,
    slow: StallingProxy,
    new_host: NewHost,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its members did not wait for ever for the link."""
    here, other, there = new_host([redis.url]), new_host([redis.url]), new_host([slow.url])
    witness = await join(other)
    await here.new_channel()
    monkeypatch.setattr(hosts_layer, "_PATIENCE", 0.01)
    name = await join(there)
    await here.group_send("group", {"type": "missed"})
    assert await asyncio.wait_for(other.receive(witness), SECONDS) == {"type": "missed"}
    slow.go_on()
    await until(lambda: there.gaps > 0)
    await hears_the_next(here, there, name)
    assert (here.gaps, other.gaps, there.gaps) == (0, 0, 1)


async def test_members_that_have_waited_for_the_link_miss_nothing(
    redis: RedisServer, slow: StallingProxy, new_host: NewHost
) -> None:
    here, there = new_host([redis.url]), new_host([slow.url])
    joining = asyncio.create_task(join(there))
    await here.new_channel()
    slow.go_on()
    await hears_the_next(here, there, await joining)
    assert (here.gaps, there.gaps) == (0, 0)


async def test_what_was_sent_to_a_master_that_others_had_left(
    redis: RedisServer, tmp_path: Path, new_host: NewHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is replaced as planned goes on for seconds, and hosts do not leave it together."""
    moved: dict[str, str] = {}

    async def locate(server: Any, channels: Sequence[bytes]) -> list[Place]:
        address = server._host["address"]
        return [Place({"address": moved.get(address, address)}, range(len(channels)))]

    monkeypatch.setattr(OneServer, "locate", locate)
    monkeypatch.setattr(link, "_LOOK", 0.05)
    here, other, there = (new_host([url]) for url in (redis.url, redis.url, f"{redis.url}/0"))
    witness, name = await join(other), await join(there)
    await hears_the_next(here, other, witness)
    assert await asyncio.wait_for(there.receive(name), SECONDS) == {"type": "last"}
    with RedisServer(tmp_path) as new:
        moved[f"{redis.url}/0"] = new.url
        await until(lambda: there.gaps == 1)
        await here.group_send("group", {"type": "missed"})
        assert await asyncio.wait_for(other.receive(witness), SECONDS) == {"type": "missed"}
        moved[redis.url] = new.url
        await until(lambda: other.gaps > 0)
        await hears_the_next(here, there, name)
        await until(lambda: there.gaps > 1)
        await asyncio.to_thread(candidate.leave_all)
