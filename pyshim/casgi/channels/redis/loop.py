"""The connections of a layer of channels_redis.core in one event loop, and the tasks that use them.

channels_redis makes one such object for each event loop, and flushes it before the loop closes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from channels_redis.core import RedisLoopLayer
from redis import asyncio as aioredis

from casgi.channels.redis.pools import close_client, reading_pool, server_name
from casgi.channels.redis.reader import KeyReader

# For how long the end waits for commands that are under way.
_PATIENCE = 2.0


class LoopConnections(RedisLoopLayer):  # type: ignore[misc]
    """One client for commands and one for reading per server, and the readers."""

    def __init__(self, channel_layer: Any) -> None:
        super().__init__(channel_layer)
        self._adopt()

    @classmethod
    def adopt(cls, original: RedisLoopLayer) -> None:
        """Make an original object, with connections of its own or without, one of these."""
        original.__class__ = cls
        original._adopt()

    def _adopt(self) -> None:
        self.is_kept = False
        """Whether the readers go on while nobody waits: there are consumers on connections."""
        self._reading: dict[int, aioredis.Redis] = {}
        self._readers: dict[tuple[str, int], KeyReader] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def reading_client(self, index: int) -> aioredis.Redis:
        """Return the client for reads that block on the server of that index."""
        if index not in self._reading:
            pool = reading_pool(self.channel_layer.hosts[index])
            self._reading[index] = aioredis.Redis(connection_pool=pool)
        return self._reading[index]

    def reader(self, name: str, index: int) -> KeyReader:
        """Return the reader of the channel, a non-local name, on the server of that index."""
        found = self._readers.get((name, index))
        if found is None:
            layer = self.channel_layer
            key = layer.prefix + name
            found = self._readers[name, index] = KeyReader(
                self.reading_client(index),
                key,
                layer._backup_channel_name(key),
                blocks_for=layer.brpop_timeout,
                server=server_name(layer.hosts[index]),
                outages=layer._outages,
                deliver=layer._deliver,
                come_back=lambda: layer._come_back(index),
            )
        return found

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run it as a task of this loop, which the end of these connections waits for."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop_readers(self) -> None:
        """End all reading."""
        self.is_kept = False
        readers = list(self._readers.values())
        self._readers.clear()
        await asyncio.gather(*(reader.stop() for reader in readers))

    async def flush(self) -> None:
        """End the tasks and close the connections; later use makes new ones."""
        await self.stop_readers()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_PATIENCE)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        clients = [*self._connections.values(), *self._reading.values()]
        self._connections.clear()
        self._reading.clear()
        for client in clients:
            await close_client(client)
