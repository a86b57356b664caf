"""A master of Redis is killed while a host sends: only what was on its way then may be lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.redis_servers import ClusterServers, SentinelServers

SECONDS = 60.0
GROUPS = [f"group-{number}" for number in range(8)]

pytestmark = pytest.mark.timeout(240)


class Away(logging.Handler):
    """Counts how many links have noticed that Redis is away, and is back."""

    def __init__(self) -> None:
        super().__init__()
        self.gone = 0
        self.back = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.gone += "is away" in record.msg
        self.back += "is back" in record.msg


@pytest.fixture
def away() -> Iterator[Away]:
    handler = Away()
    logger = logging.getLogger("casgi.channels")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


@pytest.fixture(params=["sentinel", "cluster"])
def servers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    with (SentinelServers if request.param == "sentinel" else ClusterServers)(tmp_path) as servers:
        yield servers


@pytest.fixture
async def hosts(servers: Any, new_host: Callable[..., Any]) -> tuple[Any, Any]:
    """The layers of two hosts."""
    is_cluster = isinstance(servers, ClusterServers)
    return tuple(new_host(servers.hosts, cluster=is_cluster) for _ in range(2))  # type: ignore[return-value]


@pytest.fixture
async def heard(hosts: tuple[Any, Any]) -> AsyncIterator[dict[str, list[int]]]:
    """What the second host has heard of each group."""
    await hosts[0].new_channel()
    heard: dict[str, list[int]] = {group: [] for group in GROUPS}

    async def hear(group: str, name: str) -> None:
        while True:
            heard[group].append((await hosts[1].receive(name))["number"])

    tasks = []
    for group in GROUPS:
        name = await hosts[1].new_channel()
        await hosts[1].group_add(group, name)
        tasks.append(asyncio.create_task(hear(group, name)))
    yield heard
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


async def send(layer: Any, number: int) -> None:
    for group in GROUPS:
        await layer.group_send(group, {"type": "x", "number": number})


async def test_only_what_is_on_its_way_is_lost(
    servers: Any, hosts: tuple[Any, Any], heard: dict[str, list[int]], away: Away
) -> None:
    number = 0

    async def send_until(condition: Callable[[], bool]) -> int:
        nonlocal number
        async with asyncio.timeout(SECONDS):
            while not condition():
                await send(hosts[0], number)
                number += 1
                await asyncio.sleep(0.002)
        return number

    await send_until(lambda: number == 100)
    killing = asyncio.create_task(asyncio.to_thread(servers.doomed.kill))
    noticed = await send_until(lambda: away.gone == 2)
    await killing
    back = await send_until(lambda: away.back == 2)
    last = await send_until(lambda: number == back + 100)
    await until(lambda: all(numbers and numbers[-1] == last - 1 for numbers in heard.values()))
    for numbers in heard.values():
        assert numbers == sorted(set(numbers))
        missing = sorted(set(range(last)) - set(numbers))
        assert all(one < noticed for one in missing)
        assert not missing or missing == list(range(missing[0], missing[-1] + 1))
    await until(lambda: all(layer.gaps > 0 for layer in hosts))


async def test_what_is_sent_in_the_meantime_arrives(
    servers: Any, hosts: tuple[Any, Any], heard: dict[str, list[int]], away: Away
) -> None:
    """Nothing is on its way when the master is killed, and so nothing is lost."""
    for number in range(20):
        await send(hosts[0], number)
    await until(lambda: all(len(numbers) == 20 for numbers in heard.values()))
    await asyncio.to_thread(servers.doomed.kill)
    await until(lambda: away.gone == 2)
    for number in range(20, 100):
        await send(hosts[0], number)
    await until(lambda: all(numbers[-1] == 99 for numbers in heard.values()))
    assert all(numbers == list(range(100)) for numbers in heard.values())
    await until(lambda: all(layer.gaps == 1 for layer in hosts))
