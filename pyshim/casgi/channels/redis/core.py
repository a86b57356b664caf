"""The layer of channels_redis.core, with the channels and groups of this process served in it.

The same keys, bytes and effects in Redis as the original's, so that processes with either work
together. Beside a group there is a hash by which processes with this layer send to many members at
once. What else differs stays within the process: messages are read by one task for all channels,
and a consumer on a casgi connection gets them through `LocalChannels`. Other receivers get the
original's behaviour.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from typing import Any

from channels.exceptions import ChannelFull
from channels_redis.core import (
    RedisChannelLayer as OriginalLayer,
)
from channels_redis.utils import _wrap_close
from redis import asyncio as aioredis
from redis.exceptions import RedisError

from casgi import _core
from casgi.channels.redis.group_send import Members, find_members, put_for
from casgi.channels.redis.local import RedisLocalChannels
from casgi.channels.redis.loop import LoopConnections
from casgi.channels.redis.membership import RedisMembership
from casgi.channels.redis.pools import READING_MARGIN, command_pool, drop_idle, server_name
from casgi.channels.redis.reader import recover_backup
from casgi.channels.redis.reconnect import Backoff, Outages
from casgi.channels.redis.serialization import as_received

logger = logging.getLogger("casgi.channels")

# Commands that are sent together when Redis is back.
_BATCH = 500


class RedisChannelLayer(OriginalLayer):  # type: ignore[misc]
    """`channels_redis.core.RedisChannelLayer`, and what casgi adds to it.

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
            capacity=self.get_capacity,
            expiry=self.expiry,
            group_expiry=self.group_expiry,
            discards_oldest=True,
        )
        self.local.notify_leaving(self._left)
        self._leaving: list[tuple[str, str]] = []
        self._membership = RedisMembership(self, self.local)
        self._outages = Outages()
        for connections in self._layers.values():
            LoopConnections.adopt(connections)

    # Channels

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        """Send to a channel; raise ChannelFull when it has as many messages as it may have."""
        if not self.local.is_bound(channel):
            await super().send(channel, message)
            return
        assert isinstance(message, dict), "message is not a dict"
        assert "__asgi_channel__" not in message
        self.local.put(channel, as_received(self._serializer, message))
        # The consumer has its turn, as while the original waits for Redis: many messages in a row
        # do not fill the channel of one that keeps up.
        await asyncio.sleep(0)

    async def receive(self, channel: str) -> dict[str, Any]:
        """Wait for the next message of the channel, over any outage of Redis."""
        self.require_valid_channel_name(channel)
        if "!" not in channel:
            message: dict[str, Any] = (await self.receive_single(channel))[1]
            return message
        name = self.non_local_name(channel)
        assert name.endswith(self.client_prefix + "!"), "Wrong client prefix"
        reader = self._connections().reader(name, self.consistent_hash(name))
        self.receive_count += 1
        try:
            with reader.wanted():
                return await self.local.get(channel)
        finally:
            self.receive_count -= 1

    def _listen(self, channel: str) -> None:
        """Begin to read for a consumer on a casgi connection, on its event loop."""
        connections = self._connections()
        connections.is_kept = True
        for name in {self.non_local_name(channel), self._membership.channel}:
            # The original sends to a channel by a hash of its whole name, not of the part read.
            for index in range(self.ring_size):
                connections.reader(name, index).keep()

    def _deliver(self, content: bytes) -> int:
        """Hand a message that has come from Redis to the channels that it names.

        Returns how many consumers have to run for it.
        """
        try:
            message = self.deserialize(content)
            names = message.pop("__asgi_channel__")
            *others, last = [names] if isinstance(names, str) else names
        except Exception:
            # Encrypted with another key, or no message at all: others must still be read.
            logger.exception("A message from Redis cannot be read")
            return 0
        events = 0
        for name in others:
            events += self._deliver_to(name, as_received(self._serializer, message))
        return events + self._deliver_to(last, message)

    def _deliver_to(self, name: str, message: dict[str, Any]) -> int:
        if self._membership.is_address(name):
            meant = self._membership.resolve(name)
            return 0 if meant is None else self.local.send(meant[0], message, meant[1])
        try:
            self.local.put(name, message)
        except ChannelFull:
            logger.info("Channel %s is full: it misses a message", name)
        return 1

    # Groups

    async def group_add(self, group: str, channel: str) -> None:
        """Make the channel a member of the group."""
        if not self.local.is_bound(channel):
            await super().group_add(group, channel)
            return
        self.require_valid_group_name(group)
        if not any(connections.is_kept for connections in list(self._layers.values())):
            self._listen(channel)
        await self._membership.add(group, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        """End the channel's membership, if there is one, whoever has begun it."""
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        await self._membership.discard(group, channel)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Send to all members of the group; a member whose channel is full misses the message."""
        await self.group_send_many([group], message)

    async def group_send_many(self, groups: Iterable[str], message: dict[str, Any]) -> None:
        """Do `group_send` for each of the groups, with one round trip for all where possible."""
        groups = list(groups)
        for group in groups:
            self.require_valid_group_name(group)
        found = await find_members(self, groups)
        elsewhere = [(one.group, list(self._elsewhere(one))) for one in found]
        received = as_received(self._serializer, message)
        await put_for(self, elsewhere, message)
        for members in found:
            await self._deliver_here(members, received)

    def _is_here(self, channel: str) -> bool:
        """Return whether a channel or an address is of a consumer on a casgi connection here."""
        is_address = self._membership.is_address(channel)
        return channel.startswith(self._membership.channel) and (
            is_address or self.local.is_bound(channel)
        )

    def _elsewhere(self, members: Members) -> Iterator[str]:
        """Return the members that a message has to go through Redis for."""
        return (one for one in [*members.addresses, *members.channels] if not self._is_here(one))

    async def _deliver_here(self, members: Members, message: dict[str, Any]) -> None:
        """Deliver to the members on casgi connections of this process."""
        block = self._membership.block_of(members.group)
        for address in filter(self._is_here, members.addresses):
            meant = self._membership.resolve(address)
            if meant is not None:
                await self.local.deliver(meant[0], message, meant[1])
                block = None
        for channel in filter(self._is_here, members.channels):
            self._deliver_to(channel, _core.copy_message(message))
        if block is not None:
            # Somebody else has removed one of the members; or all of Redis, when it says nothing of
            # the block, and the members are here all the same.
            await self._membership.write(block)
            if self._membership.channel not in members.broken:
                await self.local.deliver(members.group, message)

    async def group_channels(self, group: str) -> list[str]:
        """Return the group's members on casgi connections of this process, and of no other."""
        self.require_valid_group_name(group)
        return self.local.channels(group)

    def _left(self, group: str, channel: str) -> None:
        """Note a member whose connection has closed, to be taken out of Redis with the others."""
        self._leaving.append((group, channel))
        if len(self._leaving) == 1:
            self._connections().run(self._withdraw())

    async def _withdraw(self) -> None:
        left, self._leaving = self._leaving, []
        await self._membership.withdraw(left)

    # Outages

    async def _come_back(self, index: int) -> None:
        """Write again what the server of that index may have lost, and report the gap."""
        server = server_name(self.hosts[index])
        for other, host in enumerate(self.hosts):
            # Several may be databases of one server, whose return is seen once.
            if server_name(host) == server:
                await drop_idle(self.connection(other))
                await self._membership.restore(other)
        self.gaps += 1
        self.local.report_gap()

    async def _brpop_with_clean(self, index: int, channel: str, timeout: float) -> bytes | None:
        """Pop the key of a general channel with a backup, as the original does, over any outage."""
        server = server_name(self.hosts[index])
        backoff = Backoff()
        while True:
            try:
                async with asyncio.timeout(timeout + READING_MARGIN):
                    message = await self._pop(index, channel, timeout)
            except (RedisError, OSError) as error:
                self._outages.begin(server, error)
                await asyncio.sleep(backoff.next_delay())
                continue
            if self._outages.end(server):
                await self._come_back(index)
            return message

    async def _pop(self, index: int, key: str, timeout: float) -> bytes | None:
        backup = self._backup_channel_name(key)
        reading: Any = self._connections().reading_client(index)
        await recover_backup(reading, key, backup)
        popped = await reading.bzpopmin(key, timeout=timeout)
        if popped is None:
            return None
        _, message, score = popped
        await reading.zadd(backup, {message: float(score)})
        return bytes(message)

    async def _clean_receive_backup(self, index: int, channel: str) -> None:
        try:
            await super()._clean_receive_backup(index, channel)
        except (RedisError, OSError):
            logger.warning("A message of channel %s may be received twice", channel)

    # Connections

    def create_pool(self, index: int) -> aioredis.ConnectionPool:
        """Return new connections for commands to the server of that index."""
        return command_pool(self.hosts[index])

    def connection(self, index: int) -> aioredis.Redis:
        """Return the client for commands to the server of that index, in this event loop."""
        if not 0 <= index < self.ring_size:
            raise ValueError(f"There are only {self.ring_size} hosts - you asked for {index}!")
        client: aioredis.Redis = self._connections().get_connection(index)
        return client

    def _connections(self) -> LoopConnections:
        loop = asyncio.get_running_loop()
        connections: LoopConnections | None = self._layers.get(loop)
        if connections is None:
            _wrap_close(self, loop)
            connections = self._layers[loop] = LoopConnections(self)
        return connections

    def consistent_hash(self, value: str) -> int:
        """Return the index of the server of a group, or of a channel: where that is read."""
        return int(super().consistent_hash(self.non_local_name(value)))

    async def flush(self) -> None:
        """Delete all messages and groups from all servers, and close the connections."""
        await self._connections().stop_readers()
        self._membership.clear()
        await super().flush()

    async def close_pools(self) -> None:
        """Close the connections of this event loop, after what is under way."""
        await self.wait_received()
        await self._connections().flush()
