"""Which groups this process is a member of in Redis, for its consumers on casgi connections.

Many local members make one member there, the representative. It is written when the first joins,
again at most once a minute as others join, and when Redis is back from an outage; it is removed
when the last has gone, by whatever way.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from redis.exceptions import RedisError

from casgi.channels.local import LocalChannels
from casgi.channels.redis.representatives import Representative, Representatives

# Commands that are sent together.
_BATCH = 500


class RedisMembership:
    """The local members of one layer's groups and what stands for them. Safe to use in threads."""

    def __init__(self, layer: Any, local: LocalChannels) -> None:
        """Write by the connections of the layer, of the event loop that is running."""
        self._layer = layer
        self._local = local
        self._representatives = Representatives(layer.client_prefix, layer.group_expiry)
        self._withdrawn: list[Representative] = []
        # Held for moments, never while awaiting: members come and go in several threads.
        self._lock = threading.Lock()
        self.channel = self._representatives.channel
        """The part of all representatives' names that messages for them are put under."""

    def is_representative(self, channel: str) -> bool:
        """Return whether the name is, or was, one of a representative."""
        return self._representatives.is_name(channel)

    def group_of(self, name: str) -> str | None:
        """Return the group that the name stands for; None when it has gone."""
        return self._representatives.group_of(name)

    def here(self, groups: Iterable[str]) -> list[Representative]:
        """Return what stands for those of the groups that have members in this process."""
        found = map(self._representatives.of_group, groups)
        return [representative for representative in found if representative is not None]

    async def add(self, group: str, channel: str) -> None:
        """Make a local channel a member; when Redis cannot be told, it is none."""
        with self._lock:
            representative = self._enter(group, channel)
            if representative is None or self._representatives.is_fresh(representative):
                return
        try:
            await self.write([representative])
        except BaseException:
            left = self._leave(group, channel)
            if left is not None:
                # Redis may have done it all the same.
                self._withdrawn.append(left)
            raise

    async def discard(self, group: str, channel: str) -> None:
        """End a membership, if there is one."""
        representative = self._leave(group, channel)
        if representative is not None:
            await self._remove([representative])

    async def withdraw(self, group: str) -> None:
        """Remove the group from Redis if its last local member has gone with its connection."""
        with self._lock:
            # Somebody may have joined since.
            is_empty = not self._local.channels(group)
            representative = self._representatives.leave(group) if is_empty else None
        if representative is not None:
            with contextlib.suppress(RedisError, OSError):
                await self._remove([representative])

    async def write(self, representatives: list[Representative]) -> None:
        """Make them members of their groups in Redis, as of now."""
        await self._pipelined(representatives, self._queue_writing)
        for representative in representatives:
            representative.written = time.monotonic()

    async def restore(self, index: int) -> None:
        """Bring the server of that index, which is back, to what is the case."""
        withdrawn = [one for one in self._withdrawn if self._index(one) == index]
        self._withdrawn = [one for one in self._withdrawn if self._index(one) != index]
        await self._remove(withdrawn)
        await self.write([one for one in self._representatives.all() if self._index(one) == index])

    def clear(self) -> None:
        """Forget all members, without a word to Redis."""
        with self._lock:
            self._local.flush()
            self._representatives.clear()
            self._withdrawn.clear()

    def _enter(self, group: str, channel: str) -> Representative | None:
        if self._local.add(group, channel):
            return self._representatives.enter(group)
        # None: the connection has closed meanwhile, so that there is no member at all.
        return self._representatives.of_group(group)

    def _leave(self, group: str, channel: str) -> Representative | None:
        with self._lock:
            is_empty = self._local.discard(group, channel)
            return self._representatives.leave(group) if is_empty else None

    async def _remove(self, representatives: list[Representative]) -> None:
        try:
            await self._pipelined(representatives, self._queue_removing)
        except BaseException:
            self._withdrawn.extend(representatives)
            raise

    def _queue_writing(self, pipeline: Any, representative: Representative) -> None:
        key = self._layer._group_key(representative.group)
        pipeline.zadd(key, {representative.name: time.time()})
        pipeline.expire(key, int(self._layer.group_expiry))

    def _queue_removing(self, pipeline: Any, representative: Representative) -> None:
        pipeline.zrem(self._layer._group_key(representative.group), representative.name)

    async def _pipelined(
        self, representatives: list[Representative], queue: Callable[[Any, Representative], None]
    ) -> None:
        by_server = defaultdict(list)
        for representative in representatives:
            by_server[self._index(representative)].append(representative)
        for index, here in by_server.items():
            for start in range(0, len(here), _BATCH):
                pipeline = self._layer.connection(index).pipeline(transaction=False)
                for representative in here[start : start + _BATCH]:
                    queue(pipeline, representative)
                await pipeline.execute()

    def _index(self, representative: Representative) -> int:
        return int(self._layer.consistent_hash(representative.group))
