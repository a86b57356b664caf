"""Ways to break the acceleration, each of which the comparison must find: by mode of a worker."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

from casgi.channels import dispatch
from casgi.channels.dispatch import Dispatcher
from casgi.channels.local import LocalChannels
from casgi.channels.sharing import SharingPlan
from casgi.channels.sharing import plan as sharing
from casgi.channels.sharing.proof import is_coroutine
from casgi.channels.sharing.rules import enums


def share_everything() -> None:
    """Take every handler for shareable, and run it on a stand-in with a user's data."""
    whole = SharingPlan.proof

    def proof(self: SharingPlan, name: str) -> Any:
        function: Any = vars(self._class).get(name)
        if not inspect.isfunction(function):
            return whole(self, name)
        self._class.name = "a"  # type: ignore[attr-defined]
        attributes = (sharing.Attribute(name, function, True),)
        return sharing.Proof("proved", not is_coroutine(function), function, (), attributes)

    SharingPlan.proof = proof  # type: ignore[method-assign]


def overlook_attributes() -> None:
    """Expect of a consumer its handler only: attributes that shadow other methods are not seen."""
    whole = SharingPlan.run

    def run(self: SharingPlan, message: dict[str, Any]) -> sharing.SharedRun | None:
        shared = whole(self, message)
        return None if shared is None else shared._replace(attributes=shared.attributes[:1])

    SharingPlan.run = run  # type: ignore[method-assign]


def trust_members() -> None:
    """Take each member of an enum for a text, whatever its class makes of it."""
    enums._adds_nothing = lambda facts, owner: True


def choose_wrongly() -> None:
    """Give each member what belongs to the others."""
    whole = SharingPlan.run

    def run(self: SharingPlan, message: dict[str, Any]) -> sharing.SharedRun | None:
        shared = whole(self, message)
        if shared is None:
            return None
        swapped = [outcome.comparisons for outcome in reversed(shared.outcomes)]
        outcomes = [
            outcome._replace(comparisons=comparisons)
            for outcome, comparisons in zip(shared.outcomes, swapped, strict=True)
        ]
        return shared._replace(outcomes=tuple(outcomes))

    SharingPlan.run = run  # type: ignore[method-assign]


def swallow_exceptions() -> None:
    """Go on where a handler raises, as if its except clauses had run once for all."""
    execute = sharing.execute

    def go_on(proof: Any, owner: type, message: dict[str, Any]) -> Any:
        try:
            return execute(proof, owner, message)
        except sharing.NotRecorded:
            return (sharing.Outcome((), ()),)

    sharing.execute = go_on


def overlook_wrappers() -> None:
    """Take the server's own send out of any middleware's."""

    def innermost(send: Any, seam: Any) -> Any:
        while isinstance(send, FunctionType):
            names = send.__code__.co_freevars
            send = (send.__closure__ or ())[names.index("send")].cell_contents
        return send

    dispatch.innermost_send = innermost


def overlap_handlers() -> None:
    """Start the next handler while one is half-way."""
    tasks = []

    async def handle_all(self: Any, next_event: Any, consumer: Any, *_: Any) -> None:
        while True:
            message = await next_event()
            handler = getattr(consumer, message["type"].replace(".", "_"))
            if message["type"].startswith("websocket."):
                await handler(message)
            else:
                tasks.append(asyncio.create_task(handler(message)))

    Dispatcher._handle_all = handle_all  # type: ignore[method-assign]


def swap_messages() -> None:
    """Send every second message to groups before the one that came first."""
    held: list[tuple[str, dict[str, Any]]] = []
    send = LocalChannels.send

    def send_later(self: LocalChannels, group: str, message: dict[str, Any]) -> int:
        if not held:
            held.append((group, message))
            asyncio.get_running_loop().call_later(0, release, self)
            return 1
        events = send(self, group, message)
        release(self)
        return events

    def release(self: LocalChannels) -> None:
        while held:
            send(self, *held.pop())

    _send_by(send_later)


def lose_messages() -> None:
    """Lose every fifth message to groups."""
    send = LocalChannels.send
    count = 0

    def send_most(self: LocalChannels, group: str, message: dict[str, Any]) -> int:
        nonlocal count
        count += 1
        return send(self, group, message) if count % 5 else 0

    _send_by(send_most)


def _send_by(send: Callable[[LocalChannels, str, dict[str, Any]], int]) -> None:
    async def deliver(self: LocalChannels, group: str, message: dict[str, Any]) -> int:
        return send(self, group, message)

    LocalChannels.send = send  # type: ignore[assignment, method-assign]
    LocalChannels.deliver = deliver  # type: ignore[assignment, method-assign]


SABOTAGES: dict[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        share_everything,
        overlook_attributes,
        trust_members,
        choose_wrongly,
        swallow_exceptions,
        overlook_wrappers,
        overlap_handlers,
        swap_messages,
        lose_messages,
    )
}
