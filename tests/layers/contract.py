"""What the tests of the contract send to a layer, and how they receive it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

Message = dict[str, Any]
DEADLINE = 30.0
# For what only layers in memory do: they keep the very objects, and nothing is ever on its way.
IN_MEMORY = pytest.mark.parametrize("layer_class", ["stock", "casgi"], indirect=True)


def message(number: int = 0) -> Message:
    """Return one of many messages."""
    return {"type": "test.message", "number": number}


async def get(layer: Any, channel: str) -> Message:
    """Return the next message, which is there or comes soon."""
    received: Message = await asyncio.wait_for(layer.receive(channel), DEADLINE)
    return received


async def numbers(layer: Any, channel: str, count: int) -> list[int]:
    """Return the numbers of the next messages."""
    return [(await get(layer, channel))["number"] for _ in range(count)]


async def is_empty(layer: Any, channel: str) -> bool:
    """Whether the channel has no message that can be received now.

    A mark is sent behind all that there may be: nothing has to be waited for.
    """
    await layer.send(channel, {"type": "mark"})
    return bool((await get(layer, channel))["type"] == "mark")


async def waiting(*coroutines: Any) -> list[asyncio.Task[Message]]:
    """Start receiving; return when all wait."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks
