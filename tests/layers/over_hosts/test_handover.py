"""The process that is its host's link ends while another host sends: the next one takes over."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.redis_server import RedisServer

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
    layer = new_host([redis.url])
    number = await send_until(layer, 0, lambda: len(second.heard) > 50)
    first.process.kill()
    number = await send_until(layer, number, lambda: second.gaps > 0)
    await send_until(layer, number, lambda: second.heard[-1] > number)
    assert second.heard == sorted(set(second.heard))
