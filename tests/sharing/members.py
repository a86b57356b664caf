"""Consumers as connections have them, to see what a handler sends to each."""

import asyncio
import contextvars
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from casgi.channels.sharing.plan import SharingPlan, plan_of

Load = Callable[[str], ModuleType]
# What each module of consumers begins with.
HEADER = """\
import json
from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer, AsyncWebsocketConsumer, JsonWebsocketConsumer, WebsocketConsumer
)
from channels.consumer import AsyncConsumer, SyncConsumer
"""
EVENT = {
    "type": "h",
    "text": "hello",
    "number": 7,
    "items": ["b", "a"],
    "nested": {"x": 1.5, "y": None},
}


@dataclass(frozen=True)
class Member:
    """What differs between two members of a group."""

    name: str

    def consumer(self, consumer_class: type, sent: list[Any]) -> Any:
        """Return a consumer as it is while it handles an event."""
        consumer: Any = consumer_class()
        consumer.name = self.name
        consumer.scope = {"user": self.name, "path": f"/{self.name}"}
        consumer.channel_name = f"channel.{self.name}"
        consumer.channel_layer = None
        consumer.groups = [self.name]

        async def base_send(message: Any) -> None:
            sent.append(message)

        consumer.base_send = sent.append if consumer_class._sync else base_send  # type: ignore[attr-defined]
        return consumer


def payloads(plan: SharingPlan, message: dict[str, Any]) -> tuple[str | bytes, ...] | None:
    """Return what one run of the handler sends to all members; None when it is not shared."""
    run = plan.run(message)
    if run is None:
        return None
    ((comparisons, sent),) = run.outcomes
    assert not comparisons
    return sent


def shared_with(member: Member, module: ModuleType, handler: str = "h") -> list[Any] | None:
    """Return what a member gets of a shared run; None when its consumer handles the event."""
    run = plan_of(module.C).run({**copied(EVENT), "type": handler})
    if run is None:
        return None
    consumer = member.consumer(module.C, [])
    for comparisons, sent in run.outcomes:
        if all((vars(consumer)[name] == value) is is_so for name, value, is_so in comparisons):
            return list(sent)
    return None


def method_names(plan: SharingPlan, message: dict[str, Any]) -> list[str]:
    """Return which methods of a member must be those of its class."""
    run = plan.run(message)
    return [] if run is None else [each.name for each in run.attributes]


ALICE, BOB = Member("alice"), Member("bob")


def seen_by(
    member: Member,
    module: ModuleType,
    handler: str = "h",
    joined: Callable[[Any], object] = id,
) -> list[Any]:
    """Return what a member's consumer sends for the event, in a context of its own.

    Its connection calls `joined` with it before.
    """
    sent: list[Any] = []

    def run() -> None:
        if hasattr(module, "enter"):
            module.enter(member.name)
        consumer = member.consumer(module.C, sent)
        joined(consumer)
        try:
            result = getattr(consumer, handler)(copied(EVENT))
            if asyncio.iscoroutine(result):
                result.send(None)
                result.close()
                sent.append("waits")
        except StopIteration:
            pass
        except Exception as error:
            sent.append(repr(error))

    contextvars.copy_context().run(run)
    return sent


def copied(value: Any) -> Any:
    """Return plain values with containers of their own."""
    if isinstance(value, dict):
        return {key: copied(part) for key, part in value.items()}
    return [copied(part) for part in value] if isinstance(value, list) else value
