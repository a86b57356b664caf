"""The ways in which asyncio code awaits `receive()`: in tasks, timed out, cancelled, shielded."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator

import anyio

from support.apps import Message, Receive

Way = Callable[[Receive], Awaitable[Message]]


async def plainly(receive: Receive) -> Message:
    """Just await it."""
    return await receive()


async def in_a_task(receive: Receive) -> Message:
    """Make a task of it."""
    return await asyncio.create_task(receive())


async def ensured(receive: Receive) -> Message:
    """Let asyncio find out what it is."""
    return await asyncio.ensure_future(receive())


async def with_timeouts(receive: Receive) -> Message:
    """Cancel it many times before something comes."""
    while True:
        try:
            return await asyncio.wait_for(receive(), 0.001)
        except TimeoutError:
            pass


async def with_a_timeout_block(receive: Receive) -> Message:
    """The same with asyncio.timeout."""
    while True:
        try:
            async with asyncio.timeout(0.001):
                return await receive()
        except TimeoutError:
            pass


async def cancelled_at_once(receive: Receive) -> Message:
    """Cancel tasks before their first step, after it, and after a turn of the loop."""
    for turns in (0, 1, 2):
        task = asyncio.create_task(receive())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        try:
            return await task
        except asyncio.CancelledError:
            pass
    return await receive()


async def shielded(receive: Receive) -> Message:
    """Time out outside of a shield; the inner task goes on."""
    task = asyncio.ensure_future(receive())
    while True:
        try:
            return await asyncio.wait_for(asyncio.shield(task), 0.001)
        except TimeoutError:
            pass


async def waited_for_with_others(receive: Receive) -> Message:
    """As Channels: wait for the first of two tasks, and cancel the other."""
    first = asyncio.ensure_future(receive())
    second = asyncio.ensure_future(asyncio.sleep(0.002))
    done, _ = await asyncio.wait([first, second], return_when=asyncio.FIRST_COMPLETED)
    if first in done:
        second.cancel()
        return first.result()
    first.cancel()
    try:
        return await first
    except asyncio.CancelledError:
        return await receive()


async def in_a_cancel_scope(receive: Receive) -> Message:
    """Leave a scope of anyio by its deadline, again and again."""
    while True:
        with anyio.move_on_after(0.001):
            return await receive()


async def in_an_anyio_group(receive: Receive) -> Message:
    """Receive in a child of a task group."""
    found: list[Message] = []

    async def child() -> None:
        found.append(await receive())

    async with anyio.create_task_group() as group:
        group.start_soon(child)
    return found[0]


async def gathered(receive: Receive) -> Message:
    """Await it together with something else."""
    message, _ = await asyncio.gather(receive(), asyncio.sleep(0))
    return message


async def delegated(receive: Receive) -> Message:
    """Step it by hand, as a coroutine."""
    return await Stepper(receive())


class Stepper:
    """Awaits a coroutine through its send() alone."""

    def __init__(self, coroutine: Coroutine[object, None, Message]) -> None:
        self.coroutine = coroutine

    def __await__(self) -> Generator[object, None, Message]:
        try:
            while True:
                yield self.coroutine.send(None)
        except StopIteration as end:
            message: Message = end.value
            return message


WAYS = [
    *[plainly, in_a_task, ensured, with_timeouts, with_a_timeout_block, cancelled_at_once],
    *[shielded, waited_for_with_others, in_a_cancel_scope, in_an_anyio_group, gathered, delegated],
]
