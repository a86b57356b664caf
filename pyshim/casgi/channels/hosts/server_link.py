"""The connections of a link to one server of Redis: one that reads, one that writes.

Whatever fails ends the link to the server, whose partitions are then down; the link that owns it
looks where they are now.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from redis import asyncio as aioredis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from casgi.channels.hosts import wire
from casgi.channels.hosts.partition import Partition
from casgi.channels.hosts.servers import Place
from casgi.channels.redis.pools import COMMAND_SECONDS, close_client, reading_pool

HEARTBEAT = 1.0
"""Seconds without a message after which the server is asked whether it is there."""
_RECOUNT = 0.05
_BATCH = 256
# Messages that are read before others have their turn.
_BURST = 64

_Batch = list[tuple[Partition, bytes]]


class Owner(Protocol):
    """What a link to a server works for: the link."""

    def seal(self, partition: Partition, text: bytes) -> bytes:
        """Return the text as it goes to Redis."""

    async def arrive(self, partition: Partition, text: bytes) -> None:
        """Take what another link, or this one, has sent."""

    def came_up(self, partition: Partition) -> None:
        """Notice that all that is sent from now on arrives."""

    def ask(self, partition: Partition) -> None:
        """Have more messages come out of the hub."""


class ServerLink:
    """One server. Used on the link's event loop."""

    def __init__(
        self, place: Place, partitions: Iterable[Partition], owner: Owner, *, is_sharded: bool
    ) -> None:
        """Begin to connect."""
        self.place = place
        self.error: BaseException | None = None
        """Why it has ended."""
        self._partitions = {partition.channel: partition for partition in partitions}
        self._owner = owner
        self._prefix = "S" if is_sharded else ""
        self._count_command = "SHARDNUMSUB" if is_sharded else "NUMSUB"
        self._reader = aioredis.Redis(connection_pool=reading_pool(place.host))
        self._writer: Any = aioredis.Redis(connection_pool=reading_pool(place.host))
        self._wake = asyncio.Event()
        self.is_sending = False
        """Whether Redis has not answered yet what was sent."""
        self._task = asyncio.get_running_loop().create_task(
            self._run(), name=f"casgi speaks to {place.name}"
        )

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self._task.done()

    def notify_end(self, callback: Any) -> None:
        """Have it called when the link to a server has ended."""
        self._task.add_done_callback(lambda _: callback())

    def wake(self) -> None:
        """Look for something to send."""
        self._wake.set()

    async def stop(self) -> None:
        """End it, and wait for its end."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        tasks = [asyncio.ensure_future(self._read()), asyncio.ensure_future(self._write())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for partition in self._partitions.values():
                partition.go_down()
            await _end(tasks)
            errors = [task.exception() for task in tasks if not task.cancelled()]
            self.error = next((error for error in errors if error is not None), None)
            await close_client(self._reader)
            await close_client(self._writer)

    # What arrives

    async def _read(self) -> None:
        pubsub: Any = self._reader.pubsub()
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                await pubsub.connect()
                # One by one: a Cluster takes only those of one slot together.
                for channel in self._partitions:
                    await pubsub.execute_command(f"{self._prefix}SUBSCRIBE", channel)
            await self._take_all(pubsub)
        finally:
            with contextlib.suppress(RedisError, OSError):
                await pubsub.aclose()

    async def _take_all(self, pubsub: Any) -> None:
        loop = asyncio.get_running_loop()
        asked_at: float | None = None
        burst = 0
        while True:
            reply = await pubsub.parse_response(block=False, timeout=HEARTBEAT)
            if reply is not None:
                asked_at = None
                await self._take(reply)
                burst += 1
                if burst % _BURST == 0:
                    await asyncio.sleep(0)
            elif asked_at is None:
                asked_at = loop.time()
                async with asyncio.timeout(COMMAND_SECONDS):
                    await pubsub.execute_command("PING")
            elif loop.time() - asked_at >= COMMAND_SECONDS:
                raise RedisConnectionError(f"{self.place.name} does not answer")

    async def _take(self, reply: list[Any]) -> None:
        kind = bytes(reply[0]).removeprefix(b"s" if self._prefix else b"")
        if kind == b"message":
            await self._owner.arrive(self._partitions[reply[1]], reply[2])
        elif kind == b"subscribe":
            partition = self._partitions[reply[1]]
            partition.come_up(asyncio.get_running_loop().time())
            self._owner.came_up(partition)
            self.wake()
        elif kind == b"unsubscribe":
            raise RedisConnectionError(f"{self.place.name} has given a slot away")

    # What is sent

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        counted_at = loop.time() - HEARTBEAT
        while True:
            is_held_back = any(one.is_held_back for one in self._partitions.values())
            due = counted_at + (_RECOUNT if is_held_back else HEARTBEAT)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._wake.wait()
            self._wake.clear()
            if loop.time() >= due:
                await self._count()
                counted_at = loop.time()
            while batch := self._next_batch():
                await self._send(batch)

    async def _count(self) -> None:
        """Learn how many links hear each partition; have the hub asked again if it was away."""
        names = list(self._partitions)
        async with asyncio.timeout(COMMAND_SECONDS):
            reply = await self._writer.execute_command("PUBSUB", self._count_command, *names)
        now = asyncio.get_running_loop().time()
        for name, hearers in zip(reply[::2], reply[1::2], strict=True):
            partition = self._partitions[name]
            if partition.is_up:
                partition.count(hearers, now)
                self._owner.ask(partition)

    def _next_batch(self) -> _Batch:
        batch: _Batch = []
        for partition in self._partitions.values():
            if not partition.is_up:
                continue
            if partition.mark is not None:
                batch.append((partition, partition.mark))
                partition.mark = None
            if partition.is_held_back:
                continue
            if partition.owes_gap:
                batch.append((partition, wire.GAP))
                partition.owes_gap = False
            while partition.outgoing and len(batch) < _BATCH:
                batch.append((partition, partition.outgoing.popleft()))
        return batch

    async def _send(self, batch: _Batch) -> None:
        pipeline: Any = self._writer.pipeline(transaction=False)
        for partition, text in batch:
            command = f"{self._prefix}PUBLISH"
            sealed = self._owner.seal(partition, text)
            pipeline.execute_command(command, partition.channel, sealed)
        self.is_sending = True
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                replies = await pipeline.execute(raise_on_error=False)
        except BaseException:
            # Nobody knows which of them Redis has passed on.
            for partition, _ in batch:
                partition.owes_gap = True
            raise
        finally:
            self.is_sending = False
        self._note_replies(batch, replies)
        for partition in {partition for partition, _ in batch}:
            self._owner.ask(partition)

    def _note_replies(self, batch: _Batch, replies: list[Any]) -> None:
        """Keep what Redis has refused to be sent elsewhere, in its order."""
        refusal = None
        now = asyncio.get_running_loop().time()
        for (partition, text), reply in reversed(list(zip(batch, replies, strict=True))):
            if isinstance(reply, Exception):
                refusal = reply
                partition.outgoing.appendleft(text)
            else:
                partition.count(reply, now)
        if refusal is not None:
            raise refusal


async def _end(tasks: Sequence[asyncio.Future[None]]) -> None:
    """Cancel tasks, and wait for their ends; wait_for() of Python 3.11 may lose a cancellation."""
    while True:
        for task in tasks:
            task.cancel()
        _, left = await asyncio.wait(tasks, timeout=HEARTBEAT)
        if not left:
            return
