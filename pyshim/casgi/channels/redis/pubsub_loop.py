"""The pub/sub layer in one event loop.

Receivers that are no consumers on casgi connections have here the queues and groups of the
original. The others are in the layer's local channels, and the loop on which they are reads for
them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections import Counter
from collections.abc import Coroutine
from typing import Any

from channels.exceptions import ChannelFull
from channels_redis.pubsub import RedisPubSubLoopLayer
from channels_redis.utils import decode_hosts
from redis.exceptions import NoPermissionError, RedisError

from casgi.channels.redis.shard import PubSubShard

logger = logging.getLogger("casgi.channels")

# For how long the end waits for commands that are under way.
_PATIENCE = 2.0
# How many channels are made between two looks for those that nobody has any more.
_SWEEP = 64
# For how long a channel that nobody reads any more is kept: who waits with a time limit comes back.
_UNREAD_SECONDS = 60.0


class PubSubLoopLayer(RedisPubSubLoopLayer):  # type: ignore[misc]
    """What `RedisPubSubLoopLayer` is to the original."""

    def __init__(self, hosts: Any = None, *positional: Any, **options: Any) -> None:
        super().__init__(hosts, *positional, **options)
        self.loop = asyncio.get_running_loop()
        layer = self.channel_layer
        self._shards = [
            PubSubShard(host, layer._outages, self._deliver, self._come_back)
            for host in decode_hosts(hosts)
        ]
        self._group_prefix = self._get_group_channel_name("")
        # In the names of all channels made here: one pattern then subscribes to them all.
        self._mark = uuid.uuid4().hex[:16]
        # Channels with subscriptions of their own, because Redis does not allow the pattern.
        self._named: set[str] = set()
        self._may_use_patterns = True
        self._readers: Counter[str] = Counter()
        # Channels that were read, by the time at which somebody last did: the oldest comes first.
        self._unread: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def take_over(self, original: RedisPubSubLoopLayer) -> None:
        """Go on with the receivers and groups of an original of this loop."""
        self.channels, self.groups = original.channels, original.groups
        self.run(self._take_over_subscriptions(original))

    async def _take_over_subscriptions(self, original: RedisPubSubLoopLayer) -> None:
        for name in [*self.channels, *self.groups]:
            with contextlib.suppress(RedisError, OSError):
                await self._get_shard(name).subscribe(name)
        await original.flush()

    # Channels

    async def new_channel(self, prefix: str = "specific.") -> str:
        """Return the name of a new channel, whose messages are kept from now on."""
        channel = f"{self.prefix}{prefix}{self._mark}{uuid.uuid4().hex[16:]}"
        await self._forget_unread()
        await self._subscribe_to_channel(channel)
        return channel

    async def receive(self, channel: str) -> Any:
        """Wait for the next message of the channel."""
        if self.channel_layer.local.is_bound(channel):
            return await self.channel_layer.local.get(channel)
        await self._forget_unread()
        if channel not in self.channels:
            await self._subscribe_to_channel(channel)
        # The original forgets the channel, with all that has come and comes yet, when the task that
        # waits is cancelled, by wait_for() say.
        self._unread.pop(channel, None)
        self._readers[channel] += 1
        try:
            data = await self.channels[channel].get()
        finally:
            self._readers[channel] -= 1
            if self._readers[channel] == 0:
                del self._readers[channel]
                self._unread[channel] = self.loop.time()
        return self.channel_layer.deserialize(data)

    async def _forget_unread(self) -> None:
        """Forget the channels that nobody has come back to read."""
        oldest = self.loop.time() - _UNREAD_SECONDS
        while self._unread and (first := next(iter(self._unread.items())))[1] < oldest:
            del self._unread[first[0]]
            self.channels.pop(first[0], None)
            self._named.discard(first[0])
            await self._get_shard(first[0]).unsubscribe(first[0])

    async def _subscribe_to_channel(self, channel: str) -> None:
        self.channels[channel] = asyncio.Queue()
        try:
            await self._subscribe(channel)
        except BaseException:
            self.channels.pop(channel, None)
            raise

    async def _subscribe(self, channel: str) -> None:
        shard = self._get_shard(channel)
        beginning, is_own, _ = channel.partition(self._mark)
        if is_own and self._may_use_patterns:
            try:
                await shard.subscribe_all(beginning + self._mark)
                return
            except NoPermissionError:
                self._may_use_patterns = False
        await shard.subscribe(channel)
        if is_own:
            self._named.add(channel)
            if len(self._named) % _SWEEP == 0:
                await self._sweep()

    async def _sweep(self) -> None:
        """Unsubscribe from the channels of consumers that have gone."""
        is_bound = self.channel_layer.local.is_bound
        gone = [one for one in self._named if one not in self.channels and not is_bound(one)]
        self._named.difference_update(gone)
        for channel in gone:
            await self._get_shard(channel).unsubscribe(channel)

    def listen(self, channel: str) -> None:
        """Leave the channel to the local ones: a consumer on a casgi connection listens to it."""
        queue = self.channels.pop(channel, None)
        while queue is not None and not queue.empty():
            self._put(channel, queue.get_nowait())

    # Groups

    async def group_add(self, group: str, channel: str) -> None:
        """Make the channel, one of this process, a member of the group."""
        local = self.channel_layer.local
        if not local.is_bound(channel):
            await super().group_add(group, channel)
            return
        if local.add(group, channel) is None:
            return  # its connection has closed meanwhile
        if local.size(group) > 1 and self.channel_layer._hears(group):
            return
        try:
            await self.channel_layer._reconcile(group)
        except BaseException:
            await self.group_discard(group, channel)
            raise

    async def group_discard(self, group: str, channel: str) -> None:
        """End the channel's membership, if there is one."""
        if self.channel_layer.local.discard(group, channel):
            await self.channel_layer._reconcile(group)
        name = self._get_group_channel_name(group)
        members = self.groups.get(name)
        if members is not None:
            members.discard(channel)
            if not members:
                del self.groups[name]
                await self.reconcile(group)

    def hears(self, group: str) -> bool:
        """Return whether the group is subscribed to."""
        name = self._get_group_channel_name(group)
        shard: PubSubShard = self._get_shard(name)
        return shard.is_subscribed(name)

    async def reconcile(self, group: str) -> None:
        """Subscribe to the group if it has members for whom this loop reads, or unsubscribe."""
        name = self._get_group_channel_name(group)
        shard = self._get_shard(name)
        while True:
            is_wanted = self._has_members(group)
            if is_wanted:
                await shard.subscribe(name)
            else:
                await shard.unsubscribe(name)
            # It may have changed meanwhile.
            if is_wanted == self._has_members(group):
                return

    def _has_members(self, group: str) -> bool:
        if self._get_group_channel_name(group) in self.groups:
            return True
        return self._reads_for_local and self.channel_layer.local.size(group) > 0

    @property
    def _reads_for_local(self) -> bool:
        return self.channel_layer._home is self

    async def group_send_many(self, groups: list[str], message: Any) -> None:
        """Publish to several groups, with one round trip for each server."""
        data = self.channel_layer.serialize(message)
        pipelines: dict[int, Any] = {}
        for group in groups:
            name = self._get_group_channel_name(group)
            shard = self._get_shard(name)
            if id(shard) not in pipelines:
                pipelines[id(shard)] = shard.client.pipeline(transaction=False)
            pipelines[id(shard)].publish(name, data)
        for pipeline in pipelines.values():
            await pipeline.execute()

    # Arrivals

    def _deliver(self, name: str, data: bytes) -> int:
        """Hand on what has come from Redis; return how many consumers have to run for it."""
        if name in self.channels:
            self.channels[name].put_nowait(data)
            return 1
        if self.channel_layer.local.is_bound(name):
            return self._put(name, data)
        if not name.startswith(self._group_prefix):
            return 0
        members = [one for one in self.groups.get(name, ()) if one in self.channels]
        for channel in members:
            self.channels[channel].put_nowait(data)
        if self._reads_for_local:
            return len(members) + self._send(name.removeprefix(self._group_prefix), data)
        return len(members)

    def _put(self, channel: str, data: bytes) -> int:
        try:
            self.channel_layer.local.put(channel, self.channel_layer.deserialize(data))
        except ChannelFull:
            logger.info("Channel %s is full: it misses a message", channel)
        except Exception:
            logger.exception("A message from Redis cannot be read")
        return 1

    def _send(self, group: str, data: bytes) -> int:
        try:
            events: int = self.channel_layer.local.send(group, self.channel_layer.deserialize(data))
        except Exception:
            # Encrypted with another key, or no message at all: others must still be read.
            logger.exception("A message from Redis cannot be read")
            return 0
        return events

    async def _come_back(self) -> None:
        for shard in self._shards:
            await shard.renew()
        self.channel_layer._come_back()

    # The end

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run it as a task of this loop, which the end waits for."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def flush(self) -> None:
        """End the reading, close the connections and forget channels and groups."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_PATIENCE)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._named.clear()
        await super().flush()
