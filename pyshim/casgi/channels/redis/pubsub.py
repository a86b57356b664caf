"""The layer of channels_redis.pubsub, with the channels and groups of this process served in it.

The same channels of Redis and the same bytes as the original's, so that processes with either work
together. What differs stays within the process: a message to a group is decoded once for all
members here, and one pattern subscribes to the channels of all consumers.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any

from channels_redis.pubsub import (
    RedisPubSubChannelLayer as OriginalLayer,
)
from channels_redis.utils import _wrap_close
from redis.exceptions import RedisError

from casgi.channels.redis.local import RedisLocalChannels
from casgi.channels.redis.pubsub_loop import PubSubLoopLayer
from casgi.channels.redis.reconnect import Outages

# The original has no limits of any kind.
_UNLIMITED = 2**31 - 1


class RedisPubSubChannelLayer(OriginalLayer):  # type: ignore[misc]
    """`channels_redis.pubsub.RedisPubSubChannelLayer`, and what casgi adds to it.

    Settings and methods are the original's. Waiting receivers stay when Redis goes away and get
    what is sent once it is back; senders meanwhile get the errors of redis-py, after a few seconds
    at most.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._adopt()

    def _adopt(self) -> None:
        """Set up what the original does not have; its own state is there."""
        self.gaps = 0
        """How often Redis has been away and come back, so that messages may have been missed."""
        self.local = RedisLocalChannels(
            self._listen,
            capacity=lambda channel: _UNLIMITED,
            expiry=_UNLIMITED,
            group_expiry=_UNLIMITED,
        )
        self.local.notify_emptying(self._group_emptied)
        self._outages = Outages()
        # Where the consumers on casgi connections are; groups are subscribed to for them there.
        self._home: PubSubLoopLayer | None = None

    async def new_channel(self, prefix: str = "specific.") -> str:
        """Return the name of a new channel, whose messages are kept from now on."""
        return await self._get_layer().new_channel(prefix)

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        """Send to a channel; nobody gets what is sent to a channel that nobody has."""
        await self._get_layer().send(channel, message)

    async def receive(self, channel: str) -> Any:
        """Wait for the next message of the channel, over any outage of Redis."""
        return await self._get_layer().receive(channel)

    async def group_add(self, group: str, channel: str) -> None:
        """Make the channel, one of this process, a member of the group."""
        await self._get_layer().group_add(group, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        """End the channel's membership, if there is one."""
        await self._get_layer().group_discard(group, channel)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Send to all members of the group."""
        await self._get_layer().group_send(group, message)

    async def group_send_many(self, groups: Iterable[str], message: dict[str, Any]) -> None:
        """Do `group_send` for each of the groups, with one round trip for each server."""
        await self._get_layer().group_send_many(list(groups), message)

    async def group_channels(self, group: str) -> list[str]:
        """Return the group's members on casgi connections of this process, and of no other."""
        return self.local.channels(group)

    async def flush(self) -> None:
        """Forget the channels and groups of this event loop, and close its connections."""
        layer = self._get_layer()
        if self._home is layer:
            self.local.flush()
        await layer.flush()

    def _get_layer(self) -> PubSubLoopLayer:
        loop = asyncio.get_running_loop()
        known = self._layers.get(loop)
        if isinstance(known, PubSubLoopLayer):
            return known
        layer = PubSubLoopLayer(*self._args, **self._kwargs, channel_layer=self)
        self._layers[loop] = layer
        if known is None:
            _wrap_close(self, loop)
        else:
            # The original's, from before the adoption.
            layer.take_over(known)
        return layer

    def _listen(self, channel: str) -> None:
        """Begin to read for a consumer on a casgi connection, on its event loop."""
        self._home = self._get_layer()
        self._home.listen(channel)

    def _hears(self, group: str) -> bool:
        home = self._home
        return home is not None and not home.loop.is_closed() and home.hears(group)

    async def _reconcile(self, group: str) -> None:
        """Subscribe to the group on the loop of its local members, or unsubscribe."""
        home = self._home
        if home is None or home.loop.is_closed():
            return
        if home.loop is asyncio.get_running_loop():
            await home.reconcile(group)
        else:
            there = asyncio.run_coroutine_threadsafe(home.reconcile(group), home.loop)
            await asyncio.wrap_future(there)

    def _group_emptied(self, group: str) -> None:
        """Leave a group whose last local member has closed its connection."""
        if self._hears(group):
            self._get_layer().run(self._reconcile_quietly(group))

    async def _reconcile_quietly(self, group: str) -> None:
        with contextlib.suppress(RedisError, OSError):
            await self._reconcile(group)

    def _come_back(self) -> None:
        self.gaps += 1
        self.local.report_gap()
