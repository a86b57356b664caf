"""Other threads wake casgi's own loop by libuv; where that cannot be is in `test_reentrance`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from casgi._core import Selector
from casgi.loop import EventLoop

DEADLINE = 20.0


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    """The loop of a casgi process."""
    loop = EventLoop()
    yield loop
    loop.close()


def run(loop: EventLoop, coroutine: Coroutine[Any, Any, Any]) -> Any:
    return loop.run_until_complete(asyncio.wait_for(coroutine, DEADLINE))


@pytest.fixture
def by_sockets(loop: EventLoop, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What has come by the loop's pair of sockets."""
    came: list[bytes] = []
    monkeypatch.setattr(loop, "_process_self_data", came.append)
    return came


def test_calls_of_other_threads(loop: EventLoop, by_sockets: list[bytes]) -> None:
    async def calls() -> list[int]:
        come: list[int] = []

        def call(number: int) -> None:
            for _ in range(50):
                loop.call_soon_threadsafe(come.append, number)

        async with asyncio.TaskGroup() as group:
            for number in range(4):
                group.create_task(asyncio.to_thread(call, number))
        return come

    assert sorted(run(loop, calls())) == sorted([*range(4)] * 50)
    assert by_sockets == []


def test_wait_without_limit(loop: EventLoop, by_sockets: list[bytes]) -> None:
    """Again and again the loop waits for nothing but the other thread."""

    async def waits() -> None:
        for _ in range(100):
            come = loop.create_future()
            thread = threading.Thread(
                target=loop.call_soon_threadsafe, args=(come.set_result, None)
            )
            thread.start()
            await come
            thread.join()

    run(loop, waits())
    assert by_sockets == []


def test_closed_while_it_is_woken() -> None:
    """The thread that wakes it has let go of the GIL, so it may be closed before that returns."""
    for _ in range(200):
        woken = EventLoop()
        thread = threading.Thread(target=woken.call_soon_threadsafe, args=(woken.stop,))
        woken.call_soon(thread.start)
        woken.run_forever()
        woken.close()
        thread.join(DEADLINE)
        assert not thread.is_alive()


def test_before_the_wait(loop: EventLoop) -> None:
    """What comes before select() is not forgotten: the handler of a signal can run there."""
    selector: Any = loop._selector  # type: ignore[attr-defined]
    assert selector.unblock()
    assert selector.select(DEADLINE) == []


def test_closed(loop: EventLoop) -> None:
    closed = EventLoop()
    closed.close()
    with pytest.raises(RuntimeError, match="closed"):
        closed.call_soon_threadsafe(print)
    selector = Selector()
    selector.close()
    assert not selector.unblock()
