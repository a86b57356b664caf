"""Keeps the members of this process, consumers on casgi connections, in the groups in Redis.

They stand there under their own names, in blocks: see blocks.py. One that somebody else has removed
from Redis is found out when the block is looked at next, by whoever sends to the group, and is then
removed here too.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from redis.exceptions import RedisError

from casgi.channels.local import LocalChannels
from casgi.channels.redis.blocks import Block, Blocks
from casgi.channels.redis.scripts import JOIN, LEAVE, WRITE

# Commands that are sent together.
_BATCH = 500
# For how many seconds, at most, members that join get the score of those before.
_OLDEST_BLOCK = 60.0


class RedisMembership:
    """The local members of one layer's groups, and their blocks. Safe to use in threads."""

    def __init__(self, layer: Any, local: LocalChannels) -> None:
        """Write by the connections of the layer, of the event loop that is running."""
        self._layer = layer
        self._local = local
        self._blocks = Blocks(layer.client_prefix)
        self._oldest_block = min(_OLDEST_BLOCK, layer.group_expiry / 2)
        # Names that should be gone from a group, but Redis could not be reached.
        self._withdrawn: list[tuple[str, str]] = []
        # Held for moments, never while awaiting: members come and go in several threads.
        self._lock = threading.Lock()
        self.channel = self._blocks.channel
        """What messages for addresses of this process are put under."""

    def is_address(self, channel: str) -> bool:
        """Return whether the name is, or was, the address of a block of this process."""
        return self._blocks.is_address(channel)

    def resolve(self, address: str) -> tuple[str, int] | None:
        """Return the group, and the number that its members are below; None when it has gone."""
        return self._blocks.resolve(address)

    def block_of(self, group: str) -> Block | None:
        """Return the block of a group that has members in this process."""
        block = self._blocks.of_group(group)
        return block if block is not None and block.written else None

    async def add(self, group: str, channel: str) -> None:
        """Make a local channel a member; when Redis cannot be reached, it is none."""
        number = self._local.add(group, channel)
        if number is None:
            return
        with self._lock:
            block = self._blocks.enter(group)
            block.joining.add(channel)
            block.end = max(block.end, number + 1)
        try:
            if not block.written or not await self._join(block, channel):
                await self.write(block)
        except BaseException:
            self._local.discard(group, channel)
            # Redis may have done it all the same.
            self._withdrawn.append((group, channel))
            self._take_out(block, channel)
            raise
        with self._lock:
            block.joining.discard(channel)
            block.written.add(channel)

    async def discard(self, group: str, channel: str) -> None:
        """End the membership of any channel, of this process or not, if there is one."""
        self._local.discard(group, channel)
        block = self._blocks.of_group(group)
        if block is not None and self._take_out(block, channel):
            await self._remove([(group, channel)])
        else:
            await self._layer.connection(self._index(group)).zrem(self._key(group), channel)

    async def withdraw(self, left: Iterable[tuple[str, str]]) -> None:
        """Take channels whose connections have closed out of groups, if they are in."""
        written = []
        for group, channel in left:
            block = self._blocks.of_group(group)
            if block is not None and self._take_out(block, channel):
                written.append((group, channel))
        with contextlib.suppress(RedisError, OSError):
            await self._remove(written)

    async def write(self, block: Block) -> None:
        """Write a block anew, and end the memberships that somebody else has ended in Redis."""
        with self._lock:
            joining = list(block.joining)
            written = [name for name in block.written if name not in block.joining]
        arguments = [self.channel, repr(time.time()), block.number, block.end, self._expiry()]
        removed = await self._run(WRITE, block.group, *arguments, len(joining), *joining, *written)
        for name in removed:
            channel = name.decode()
            self._local.discard(block.group, channel)
            self._take_out(block, channel)

    async def restore(self, index: int) -> None:
        """Bring the server of that index, which is back, to what is the case."""
        withdrawn = [one for one in self._withdrawn if self._index(one[0]) == index]
        self._withdrawn = [one for one in self._withdrawn if self._index(one[0]) != index]
        await self._remove(withdrawn)
        for block in self._blocks.all():
            if self._index(block.group) == index:
                await self.write(block)

    def clear(self) -> None:
        """Forget all members, without a word to Redis."""
        with self._lock:
            self._local.flush()
            self._blocks.clear()
            self._withdrawn.clear()

    async def _join(self, block: Block, channel: str) -> bool:
        """Write one channel; return whether the block is now as this process has it."""
        oldest = repr(time.time() - self._oldest_block)
        arguments = [self.channel, channel, block.number, block.end, oldest, self._expiry()]
        return bool(await self._run(JOIN, block.group, *arguments))

    def _take_out(self, block: Block, channel: str) -> bool:
        """Take a channel out of the block, as this process has it; return whether it was in."""
        with self._lock:
            was_in = channel in block.written
            block.written.discard(channel)
            block.joining.discard(channel)
            self._blocks.forget_if_empty(block)
        return was_in

    async def _remove(self, members: list[tuple[str, str]]) -> None:
        try:
            await self._pipelined(members, self._queue_removing)
        except BaseException:
            self._withdrawn.extend(members)
            raise

    def _queue_removing(self, pipeline: Any, group: str, channel: str) -> None:
        pipeline.eval(
            LEAVE, 2, self._key(group), blocks_key(self._layer, group), self.channel, channel
        )

    async def _pipelined(
        self, members: list[tuple[str, str]], queue: Callable[[Any, str, str], None]
    ) -> None:
        for index in {self._index(group) for group, _ in members}:
            here = [one for one in members if self._index(one[0]) == index]
            for start in range(0, len(here), _BATCH):
                pipeline = self._layer.connection(index).pipeline(transaction=False)
                for group, channel in here[start : start + _BATCH]:
                    queue(pipeline, group, channel)
                await pipeline.execute()

    async def _run(self, script: str, group: str, *arguments: Any) -> Any:
        keys = self._key(group), blocks_key(self._layer, group)
        return await self._layer.connection(self._index(group)).eval(script, 2, *keys, *arguments)

    def _expiry(self) -> int:
        return int(self._layer.group_expiry)

    def _key(self, group: str) -> str:
        key: str = self._layer._group_key(group)
        return key

    def _index(self, group: str) -> int:
        return int(self._layer.consistent_hash(group))


def blocks_key(layer: Any, group: str) -> str:
    """Return the key of the hash with the blocks of a group."""
    return f"{layer.prefix}:casgi:blocks:{group}"
