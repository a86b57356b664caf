"""Stock Channels in another order that it allows too: what then changes was never determined.

Each hand-over between tasks takes a few turns of the loop more, by chance: a layer's operation,
and the way from `receive` to the handler. Threads get their turns by chance. Messages to groups end
with the connection. The messages of one sender still arrive in their order.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import channels.consumer
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
from channels.layers import InMemoryChannelLayer

from equivalence.quiet_loop import QuietLoop

PACES = (0, 3, 12, 100)
"""The most turns that a delay takes: one of these for a consumer, any for an operation."""
LAYER_METHODS = ("send", "group_send", "group_add", "group_discard")


def delayed(chance: random.Random, function: Callable[..., Any], *paces: int) -> Callable[..., Any]:
    async def call(*arguments: Any, **options: Any) -> Any:
        for _ in range(chance.randint(0, chance.choice(paces))):
            await asyncio.sleep(0)
        return await function(*arguments, **options)

    return call


async def no_hop() -> None:
    """Take no time to look for old connections."""


HOPS = (channels.consumer.aclose_old_connections, no_hop)


def leave_groups(consumer: Any) -> None:
    for members in consumer.channel_layer.groups.values():
        members.pop(consumer.channel_name, None)


def leaving_groups(close: Callable[..., Any]) -> Callable[..., Any]:
    """End a consumer's memberships when it closes, and not when disconnect() has been handled.

    Accelerated its messages do by design: those to its groups between the two are not compared.
    """

    def call(self: Any, *arguments: Any, **options: Any) -> Any:
        leave_groups(self)
        return close(self, *arguments, **options)

    return call


@contextmanager
def jitter(seed: int, loop: QuietLoop) -> Iterator[None]:
    """Delay while the context lasts; no seed, no delay."""
    if not seed:
        yield
        return
    chance = loop.turns.chance = random.Random(seed)
    dispatch_many = channels.consumer.await_many_dispatch

    async def dispatch_some(receivers: Any, dispatch: Any) -> None:
        await dispatch_many(receivers, delayed(chance, dispatch, chance.choice(PACES)))

    methods = {
        name: delayed(chance, getattr(InMemoryChannelLayer, name), *PACES) for name in LAYER_METHODS
    }
    with (
        patch.object(channels.consumer, "await_many_dispatch", dispatch_some),
        patch.multiple(InMemoryChannelLayer, **methods),
        patch.object(channels.consumer, "aclose_old_connections", chance.choice(HOPS)),
        patch.object(WebsocketConsumer, "close", leaving_groups(WebsocketConsumer.close)),
        patch.object(AsyncWebsocketConsumer, "close", leaving_groups(AsyncWebsocketConsumer.close)),
    ):
        yield
