"""`--threads`: requests wait in order for a thread, and go when their client has left."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import Iterator
from typing import Any

import django.core.handlers.asgi  # noqa: F401 (makes this process one of Django)
import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async

from casgi.config import Config
from casgi.django import thread_counts, thread_pool, waits
from casgi.django.acceleration import acceleration
from casgi.django.lease import Lease
from casgi.django.thread_context import LeasingContexts
from casgi.django.thread_pool import ThreadPool
from casgi.server import Server


@pytest.fixture
def pool() -> Iterator[ThreadPool]:
    """A pool of two threads, from which contexts get theirs."""
    pool = ThreadPool()
    pool.open(limit=2)
    contexts = LeasingContexts(pool)
    contexts.install()
    yield pool
    contexts.remove()
    pool.close()


class Occupant:
    """A context that keeps its thread until it may go."""

    def __init__(self) -> None:
        self.may_go = threading.Event()
        self.began = asyncio.Event()
        self.task = asyncio.create_task(self._occupy())

    async def _occupy(self) -> None:
        loop = asyncio.get_running_loop()

        def begin_and_wait() -> bool:
            loop.call_soon_threadsafe(self.began.set)
            return self.may_go.wait(20)

        def wait() -> None:
            assert begin_and_wait()  # Who hears that it began finds the thread at this line.

        async with ThreadSensitiveContext():
            await sync_to_async(wait)()


async def _occupied() -> list[Occupant]:
    occupants = [Occupant(), Occupant()]
    for occupant in occupants:
        await occupant.began.wait()
    return occupants


async def _until_waiting(pool: ThreadPool, count: int) -> None:
    async with asyncio.timeout(20):
        while pool.counts()["waiting"] != count:
            await asyncio.sleep(0)


async def test_waits_in_order(pool: ThreadPool) -> None:
    occupants = await _occupied()
    seen: list[int] = []

    async def request(number: int) -> None:
        async with ThreadSensitiveContext():
            await sync_to_async(seen.append)(number)

    requests = []
    for number in range(5):
        requests.append(asyncio.create_task(request(number)))
        await _until_waiting(pool, number + 1)
    assert seen == []
    occupants[0].may_go.set()
    await asyncio.gather(*requests)
    assert seen == [0, 1, 2, 3, 4]
    assert pool.counts() | {"idle": 0} == {
        "threads": 2,
        "idle": 0,
        "waiting": 0,
        "waited": 5,
        "dropped": 0,
    }
    occupants[1].may_go.set()
    await asyncio.wait([occupant.task for occupant in occupants])


async def test_never_more_threads(pool: ThreadPool) -> None:
    """However many want one, and however they end."""
    at_once: list[int] = []
    inside = 0

    def count() -> None:
        nonlocal inside
        inside += 1
        at_once.append(inside)
        threading.Event().wait(0.001)
        inside -= 1

    async def request() -> None:
        async with ThreadSensitiveContext():
            await sync_to_async(count)()

    await asyncio.gather(*(request() for _ in range(50)))
    assert max(at_once) <= 2
    assert len(at_once) == 50
    assert pool.counts()["threads"] <= 2


async def test_leaves_while_it_waits(pool: ThreadPool) -> None:
    occupants = await _occupied()
    seen: list[str] = []

    async def request(name: str) -> None:
        async with ThreadSensitiveContext():
            await sync_to_async(seen.append)(name)

    leaver = asyncio.create_task(request("who left"))
    await _until_waiting(pool, 1)
    stayer = asyncio.create_task(request("who stayed"))
    await _until_waiting(pool, 2)
    leaver.cancel()
    await asyncio.wait([leaver])  # though no thread is free
    assert leaver.cancelled()
    assert pool.counts()["waiting"] == 1
    occupants[0].may_go.set()
    await stayer
    assert seen == ["who stayed"]
    assert pool.counts()["dropped"] == 1
    occupants[1].may_go.set()
    await asyncio.wait([occupant.task for occupant in occupants])


async def test_calls_that_are_wanted_are_made(pool: ThreadPool) -> None:
    """A context may end while a call of it waits that others count on."""
    occupants = await _occupied()
    lease = Lease(pool)
    wanted, cancelled = lease.submit(threading.get_ident), lease.submit(threading.get_ident)
    cancelled.cancel()
    ending = asyncio.create_task(lease.end())
    await asyncio.sleep(0)
    assert not ending.done()
    for occupant in occupants:
        occupant.may_go.set()
    await ending
    assert isinstance(wanted.result(0), int)


async def test_long_waits_are_logged(
    pool: ThreadPool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Once for all that wait, with what the threads do."""
    monkeypatch.setattr(waits, "LONG_WAIT", 0.02)
    monkeypatch.setattr(waits, "_last_line", float("-inf"))
    occupants = await _occupied()
    done: list[int] = []

    async def request() -> None:
        async with ThreadSensitiveContext():
            done.append(await sync_to_async(threading.get_ident)())

    with caplog.at_level(logging.WARNING, "casgi.django"):
        requests = [asyncio.create_task(request()) for _ in range(3)]
        async with asyncio.timeout(20):
            while not caplog.messages:
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)
    [line] = caplog.messages
    assert re.match(r"3 requests wait for one of 2 threads, the first for \d+\.\d s", line)
    assert line.count("assert begin_and_wait()") == 2
    for occupant in occupants:
        occupant.may_go.set()
    await asyncio.gather(*requests)


async def test_idle_threads_end_within_the_limit(
    pool: ThreadPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thread_pool, "KEPT_IDLE", 0)
    monkeypatch.setattr(thread_pool, "IDLE_SECONDS", 0.02)

    async def request() -> None:
        async with ThreadSensitiveContext():
            await sync_to_async(threading.get_ident)()

    await asyncio.gather(*(request() for _ in range(10)))
    async with asyncio.timeout(20):
        while pool.counts()["threads"]:
            await asyncio.sleep(0.01)
    await request()


async def _application(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError


async def test_option(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "casgi.server"):
        async with Server(_application, Config(port=0, lifespan="off", threads=3)):
            assert thread_counts()["waiting"] == 0
            assert acceleration._pool.limit == 3
        async with Server(_application, Config(port=0, lifespan="off")):
            assert acceleration._pool.limit == 0
    lines = [line for line in caplog.messages if line.startswith("Django")]
    assert "threads are leased, at most 3; trips" in lines[0]
    assert "threads are leased; trips" in lines[1]


async def test_option_without_effect(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "casgi.server"):
        options = Config(port=0, lifespan="off", threads=3, accelerate=False)
        async with Server(_application, options):
            pass
    assert "--threads 3 has no effect, since Django is as it is" in caplog.messages
