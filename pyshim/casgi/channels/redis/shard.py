"""One of the servers of a pub/sub layer, in one event loop: what is published and subscribed to."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from redis import asyncio as aioredis

from casgi.channels.redis.pools import Host, close_client, command_pool, drop_idle, server_name
from casgi.channels.redis.reconnect import Outages
from casgi.channels.redis.subscription import Subject, Subscription

_SPECIAL_IN_PATTERNS = re.compile(r"([*?\[\]\\])")


class PubSubShard:
    """What `RedisSingleShardConnection` is to the original."""

    def __init__(
        self,
        host: Host,
        outages: Outages,
        deliver: Callable[[str, bytes], int],
        come_back: Callable[[], Awaitable[None]],
    ) -> None:
        """Connect when first used."""
        self.host = host
        self._redis: aioredis.Redis | None = None
        self._subscription = Subscription(host, server_name(host), outages, deliver, come_back)

    @property
    def client(self) -> aioredis.Redis:
        """The client for commands."""
        if self._redis is None:
            self._redis = aioredis.Redis(connection_pool=command_pool(self.host))
        return self._redis

    async def publish(self, channel: str, message: bytes) -> None:
        """Publish to a channel of Redis."""
        await self.client.publish(channel, message)

    def is_subscribed(self, channel: str) -> bool:
        """Return whether the channel is subscribed to, by its own name."""
        return self._subscription.has(Subject(channel))

    async def subscribe(self, channel: str) -> None:
        """Subscribe to a channel; when this returns, all that is published arrives."""
        await self._add(Subject(channel))

    async def subscribe_all(self, beginning: str) -> None:
        """Subscribe to all channels whose names begin so."""
        pattern = _SPECIAL_IN_PATTERNS.sub(r"\\\1", beginning) + "*"
        await self._add(Subject(pattern, is_pattern=True))

    async def _add(self, subject: Subject) -> None:
        # As in the original, there is a client as soon as there is a connection of any kind.
        assert self.client is not None
        await self._subscription.add(subject)

    async def unsubscribe(self, channel: str) -> None:
        """Unsubscribe from a channel; nothing when it is not subscribed to by its own name."""
        await self._subscription.remove(Subject(channel))

    async def renew(self) -> None:
        """Send what follows on new connections: those that are idle are from before an outage."""
        if self._redis is not None:
            await drop_idle(self._redis)

    async def flush(self) -> None:
        """End the reading and close the connections; later use makes new ones."""
        await self._subscription.stop()
        client, self._redis = self._redis, None
        if client is not None:
            await close_client(client)
