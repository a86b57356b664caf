"""The layer's methods as plain calls: for code without an event loop, in any thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from casgi.channels.hub.names import group_topic
from casgi.channels.hub.serialization import unpack
from casgi.hub.loops import running_loop
from casgi.hub.upgrades import excused_by_upgrades, plainly_over_upgrades

if TYPE_CHECKING:
    from casgi.channels.hub.layer import HubChannelLayer


class PlainCalls:
    """What `layer.sync` is: each call returns when the hub has acknowledged it.

    One group_send() after the other returns at once while the hub acknowledges those before.
    All but group_send() and send() need a thread in which no event loop runs.
    """

    def __init__(self, layer: HubChannelLayer) -> None:
        """Act for this layer."""
        self._layer = layer

    def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Send to all channels of a group. Raise HubUnavailable."""
        layer = self._layer
        payload, topic = layer.packed(group, message), group_topic(layer.prefix, group)
        number = self._put(layer.publishing(topic, payload))
        if layer.local.size(group) > 0:
            layer.local.send(group, unpack(payload))
        for sibling in layer.siblings():
            sibling.take(topic, payload)
        if not layer.hub.is_trusted(number):
            with excused_by_upgrades(layer.hub.path):
                layer.hub.wait(number)

    def send(self, channel: str, message: dict[str, Any]) -> None:
        """Send to one channel. Raise HubUnavailable or ChannelFull."""
        act = self._layer.sending(channel, message)
        if act is not None:
            self._layer.check_sent(channel, self._layer.hub.wait(self._put(act)))

    def group_add(self, group: str, channel: str) -> None:
        """Add a channel to a group. Raise HubUnavailable."""
        _run(partial(self._layer.group_add, group, channel), "group_add")

    def group_discard(self, group: str, channel: str) -> None:
        """Take a channel out of a group. Raise HubUnavailable."""
        _run(partial(self._layer.group_discard, group, channel), "group_discard")

    def new_channel(self, prefix: str = "specific.") -> str:
        """Return the name of a new channel of this process. Raise HubUnavailable."""
        name: str = _run(partial(self._layer.new_channel, prefix), "new_channel")
        return name

    def receive(self, channel: str, timeout: float | None = None) -> dict[str, Any]:
        """Wait for a channel's next message, `timeout` seconds at most. Raise TimeoutError."""

        async def receive() -> dict[str, Any]:
            return await asyncio.wait_for(self._layer.receive(channel), timeout)

        message: dict[str, Any] = _run(receive, "receive")
        return message

    def _put(self, act: Any) -> int:
        hub = self._layer.hub
        return plainly_over_upgrades(hub.path, lambda: hub.put(act))


def _run(begin: Callable[[], Coroutine[Any, Any, Any]], name: str) -> Any:
    """Run it in a loop of its own. Raise RuntimeError in a thread that has one."""
    if running_loop() is not None:
        raise RuntimeError(
            f"layer.sync.{name}() waits, and would stop the event loop that runs in this thread:"
            f" await layer.{name}() instead"
        )
    return asyncio.run(begin())
