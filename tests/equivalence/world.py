"""What generated consumers use: gates, the journal, and messages that follow from messages."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from asgiref.sync import SyncToAsync, ThreadSensitiveContext

from equivalence.quiet_loop import QuietLoop
from equivalence.turns import running

DEEPEST = 2
"""How often an event may lead to another event."""


class World:
    """The state of one run, outside the consumers."""

    def __init__(self, loop: QuietLoop) -> None:
        self.loop = loop
        self.channels: dict[str, str] = {}
        self.journals: dict[str, list[str]] = defaultdict(list)
        self.tasks: list[asyncio.Task[Any]] = []
        self._open_for: set[str] = set()
        self._waiting: dict[tuple[str, str], list[asyncio.Future[None]]] = defaultdict(list)

    def visit(self, name: str, gate: str) -> asyncio.Future[None]:
        """Return what is done when the gate opens, or now when all gates are open to it.

        But "later" is for tasks that do not end with their consumer.
        """
        future = self.loop.create_future()
        if name in self._open_for and gate != "later":
            future.set_result(None)
        else:
            self._waiting[name, gate].append(future)
        return future

    def open(self, name: str, gate: str) -> None:
        """Let those on that wait at a gate now; it is shut again for those who come later."""
        for future in self._waiting.pop((name, gate), []):
            if not future.done():
                future.set_result(None)

    def open_all(self, name: str) -> bool:
        """Let a consumer pass all gates, from now on; return whether that is new."""
        if name in self._open_for:
            return False
        self._open_for.add(name)
        for visitor, gate in list(self._waiting):
            if visitor == name and gate != "later":
                self.open(visitor, gate)
        return True


def enter(world: World) -> World:
    """Make this the world of all consumers from now on."""
    global current
    current = world
    return world


def name_of(scope: Any) -> str:
    """Return the client's name, the end of the path."""
    return str(scope["path"]).rsplit("/", 1)[-1]


def arrive(consumer: Any) -> None:
    current.channels[consumer.name] = consumer.channel_name


def journal(consumer: Any, text: str) -> None:
    current.journals[consumer.name].append(text)


async def gate(consumer: Any, name: str) -> None:
    await current.visit(consumer.name, name)


def sync_gate(consumer: Any, name: str) -> None:
    # Only one thread or the loop runs at a time: a future of the loop will do.
    assert running.call is not None
    running.call.wait(current.visit(consumer.name, name).done)


@asynccontextmanager
async def own_thread() -> AsyncIterator[None]:
    """Give the synchronous code of one connection a thread of its own.

    Without the way out of ThreadSensitiveContext, which joins that thread in yet another one.
    """
    context = ThreadSensitiveContext()
    await context.__aenter__()
    try:
        yield
    finally:
        executor = SyncToAsync.context_to_thread_executor.pop(context, None)
        if executor is not None:
            executor.shutdown(wait=False)


def start(coroutine: Coroutine[Any, Any, None]) -> None:
    current.tasks.append(current.loop.create_task(coroutine))


def event_of(text: str) -> dict[str, Any]:
    return {"text": text, "n": 1, "depth": 1, "items": []}


def goes_on(event: dict[str, Any]) -> bool:
    """Whether an event may lead to another one: no program runs for ever."""
    return bool(event["depth"] < DEEPEST)


def follow(event: dict[str, Any], type_: str, label: str) -> dict[str, Any]:
    """Return the message that a handler sends because of an event."""
    return {
        "type": type_,
        "text": f"{event['text']}.{label}",
        "n": event["n"] + 1,
        "depth": event["depth"] + 1,
        "items": [*event["items"], label],
    }
