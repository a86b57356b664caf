"""Several who receive, cancelled ones, other loops and threads."""

from __future__ import annotations

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from contract import DEADLINE, IN_MEMORY, get, is_empty, message, numbers, waiting

from casgi.channels import ChannelLayer


async def test_several_readers(layer_class: Any) -> None:
    layer = layer_class()
    tasks = await waiting(*(layer.receive("one") for _ in range(5)))
    for number in range(5):
        await layer.send("one", message(number))
    received = await asyncio.wait_for(asyncio.gather(*tasks), DEADLINE)
    assert Counter(one["number"] for one in received) == Counter(range(5))
    assert await is_empty(layer, "one")


async def test_several_readers_of_single_messages() -> None:
    """The original forgets all who wait on a channel as soon as one has emptied it."""
    layer = ChannelLayer()
    tasks = await waiting(*(layer.receive("one") for _ in range(3)))
    for number in range(3):
        await layer.send("one", message(number))
        done, _ = await asyncio.wait(tasks, timeout=DEADLINE, return_when="FIRST_COMPLETED")
        assert [task.result() for task in done] == [message(number)]
        tasks = [task for task in tasks if task not in done]


@IN_MEMORY
async def test_cancelled_reader_loses_nothing(layer: Any) -> None:
    [task] = await waiting(layer.receive("one"))
    await layer.send("one", message(1))
    await layer.send("one", message(2))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await numbers(layer, "one", 2) == [1, 2]


async def test_cancelled_reader_that_got_nothing(layer: Any) -> None:
    [task] = await waiting(layer.receive("one"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await layer.send("one", message(1))
    assert await numbers(layer, "one", 1) == [1]


@IN_MEMORY
async def test_another_reader_gets_what_the_cancelled_one_would_have(layer: Any) -> None:
    first, second = await waiting(layer.receive("one"), layer.receive("one"))
    await layer.send("one", message(1))
    first.cancel()
    assert await asyncio.wait_for(second, DEADLINE) == message(1)
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_cancelled_over_and_over(layer_class: Any) -> None:
    """Whatever turn a reader is cancelled in, each message is received once and in order."""
    layer = layer_class(capacity=1000)
    received: list[int] = []

    async def read() -> None:
        while True:
            received.append((await layer.receive("one"))["number"])

    for number in range(200):
        task = asyncio.ensure_future(read())
        for _ in range(number % 4):
            await asyncio.sleep(0)
        await layer.send("one", message(number))
        for _ in range(number % 3):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    while len(received) < 200:
        received += await numbers(layer, "one", 1)
    assert received == list(range(200))
    assert await is_empty(layer, "one")


def test_one_loop_after_the_other(layer: Any) -> None:
    async_to_sync(layer.group_add)("group", "one")
    async_to_sync(layer.send)("one", message(1))
    async_to_sync(layer.group_send)("group", message(2))
    assert async_to_sync(numbers)(layer, "one", 2) == [1, 2]
    assert async_to_sync(is_empty)(layer, "one")


def test_loop_that_ended_while_waiting(layer: Any) -> None:
    async def give_up() -> None:
        await waiting(layer.receive("one"))

    asyncio.run(give_up())
    asyncio.run(layer.send("one", message(1)))
    assert asyncio.run(numbers(layer, "one", 1)) == [1]


async def test_reader_on_another_loop() -> None:
    """The original cannot do it: its queue would wake the reader in the sender's thread."""
    layer = ChannelLayer()
    with ThreadPoolExecutor(1) as thread:
        reader = asyncio.get_running_loop().run_in_executor(
            thread, async_to_sync(numbers), layer, "one", 100
        )
        for number in range(100):
            await layer.send("one", message(number))
            await asyncio.sleep(0)
        assert await reader == list(range(100))


@pytest.mark.parametrize("is_group", [False, True])
async def test_senders_in_threads(is_group: bool) -> None:
    """The original cannot do it: its queue knows nothing of threads."""
    layer = ChannelLayer(capacity=10_000)
    await layer.group_add("group", "one")

    async def send_all(sender: int) -> None:
        for number in range(200):
            sent = {**message(number), "sender": sender}
            await (layer.group_send("group", sent) if is_group else layer.send("one", sent))

    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(4) as threads:
        senders = [
            loop.run_in_executor(threads, async_to_sync(send_all), sender) for sender in range(4)
        ]
        received = [await get(layer, "one") for _ in range(800)]
        await asyncio.gather(*senders)
    for sender in range(4):
        assert [one["number"] for one in received if one["sender"] == sender] == list(range(200))
    assert await is_empty(layer, "one")


async def test_readers_and_groups_in_threads() -> None:
    """The original cannot do it."""
    layer = ChannelLayer()

    async def live(number: int) -> None:
        for _ in range(100):
            channel = await layer.new_channel()
            await layer.group_add(f"group-{number}", channel)
            await layer.group_add("all", channel)
            await layer.group_send(f"group-{number}", message(number))
            while (await get(layer, channel))["number"] != number:
                pass
            await layer.group_discard("all", channel)
            await layer.group_discard(f"group-{number}", channel)
            await layer.group_send("all", message(99))

    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(4) as threads:
        done = [loop.run_in_executor(threads, async_to_sync(live), number) for number in range(4)]
        await asyncio.gather(*done)
    assert await layer.group_channels("all") == []
