"""The local channels of a layer on Redis: reading from Redis begins with the first listener."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from casgi import _core
from casgi.channels.local import LocalChannels


class RedisLocalChannels(LocalChannels):
    """Local channels that say when a consumer on a casgi WebSocket begins to listen."""

    def __init__(self, on_open: Callable[[str], None], **options: Any) -> None:
        """Call `on_open`, on the event loop of the consumer, with the channel's name."""
        super().__init__(**options)
        self._on_open = on_open

    def open(self, channel: str) -> _core.Channel:
        """Return a channel for a consumer to listen to; close() is then due."""
        self._on_open(channel)
        return super().open(channel)
