"""Ways to break the acceleration, each of which the comparison must find: by mode of a worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import FunctionType
from typing import Any

from casgi.channels import dispatch
from casgi.channels.dispatch import Dispatcher
from casgi.channels.local import LocalChannels
from casgi.channels.sharing import SharingPlan
from casgi.channels.sharing import plan as sharing


def share_everything() -> None:
    """Take every handler for shareable, and run it on a stand-in with a user's data."""

    def proved(consumer_class: type, name: str) -> Any:
        consumer_class.name = "a"  # type: ignore[attr-defined]
        function: Any = vars(consumer_class)[name]
        return function, sharing.Proof(function.__code__, "proved", methods=frozenset({"send"}))

    sharing._proved = proved


def overlook_attributes() -> None:
    """Expect of a consumer its handler only: attributes that shadow other methods are not seen."""
    whole = SharingPlan.run

    def run(self: SharingPlan, message: dict[str, Any]) -> sharing.SharedRun | None:
        shared = whole(self, message)
        return None if shared is None else shared._replace(attributes=shared.attributes[:1])

    SharingPlan.run = run  # type: ignore[method-assign]


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

    LocalChannels.send = send_later  # type: ignore[method-assign]


def lose_messages() -> None:
    """Lose every fifth message to groups."""
    send = LocalChannels.send
    count = 0

    def send_most(self: LocalChannels, group: str, message: dict[str, Any]) -> int:
        nonlocal count
        count += 1
        return send(self, group, message) if count % 5 else 0

    LocalChannels.send = send_most  # type: ignore[method-assign]


SABOTAGES: dict[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        share_everything,
        overlook_attributes,
        overlook_wrappers,
        overlap_handlers,
        swap_messages,
        lose_messages,
    )
}
