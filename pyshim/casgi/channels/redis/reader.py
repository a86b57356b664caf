"""Takes the messages off one key of one Redis server, for one event loop.

While it is wanted it waits in a blocking pop; otherwise messages stay in Redis, where the capacity
of the channel and the expiry of messages apply. Whatever happens to Redis it comes back, so that
nobody who waits for a message ever sees an error of the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from casgi.channels.redis.pools import READING_MARGIN
from casgi.channels.redis.reconnect import Backoff, Outages

BATCH = 100
"""How many messages are popped at once, after the one that ended the waiting."""

BURST = 8
"""How many messages in a row may go to sockets before others have their turn."""

# A receive() of channels_redis that was cancelled leaves its message under a key of its own.
_RECOVER = """
local messages = redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES')
for i = 1, #messages, 2 do
    redis.call('ZADD', KEYS[1], messages[i + 1], messages[i])
end
redis.call('DEL', KEYS[2])
"""


async def recover_backup(client: Any, key: str, backup: str) -> None:
    """Put the messages that were popped but never received back under the key."""
    await client.eval(_RECOVER, 2, key, backup)


class KeyReader:
    """One task that pops a key. All methods are called in the thread of its event loop."""

    def __init__(
        self,
        client: Any,
        key: str,
        backup: str,
        *,
        blocks_for: float,
        server: str,
        outages: Outages,
        deliver: Callable[[bytes], int],
        come_back: Callable[[], Awaitable[None]],
    ) -> None:
        """Read with a client that has no time limit, by pops that block for `blocks_for` seconds.

        `deliver` takes each message, does not raise, and returns how many consumers have to run for
        it; `come_back` is awaited when the server is back from an outage that nobody else has seen
        end.
        """
        self._client = client
        self._key = key
        self._backup = backup
        self._blocks_for = blocks_for
        self._server = server
        self._outages = outages
        self._deliver = deliver
        self._come_back = come_back
        self._is_kept = False
        self._waiting = 0
        self._burst = 0
        self._task: asyncio.Task[None] | None = None

    def keep(self) -> None:
        """Read from now on, whether or not somebody waits."""
        self._is_kept = True
        self._start()

    @contextlib.contextmanager
    def wanted(self) -> Iterator[None]:
        """Read at least until the block is left."""
        self._waiting += 1
        self._start()
        try:
            yield
        finally:
            self._waiting -= 1

    async def stop(self) -> None:
        """End the task, and wait for its end."""
        task, self._task = self._task, None
        self._is_kept = False
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @property
    def is_wanted(self) -> bool:
        """Whether there is anybody to read for."""
        return self._is_kept or self._waiting > 0

    def _start(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(
                self._run(), name=f"casgi reads {self._key}"
            )

    async def _run(self) -> None:
        backoff = Backoff()
        is_connected = False
        while self.is_wanted:
            try:
                if not is_connected:
                    await self._connect()
                    is_connected = True
                    backoff.reset()
                await self._read()
            # Nothing may end the reading: those who wait would wait for ever.
            except Exception as error:
                is_connected = False
                self._outages.begin(self._server, error)
                await asyncio.sleep(backoff.next_delay())

    async def _connect(self) -> None:
        async with asyncio.timeout(READING_MARGIN):
            await recover_backup(self._client, self._key, self._backup)
        if self._outages.end(self._server):
            await self._come_back()

    async def _read(self) -> None:
        async with asyncio.timeout(self._blocks_for + READING_MARGIN):
            popped = await self._client.bzpopmin(self._key, timeout=self._blocks_for)
        if popped is None:
            return
        await self._hand_over(popped[1])
        while self._is_kept:
            async with asyncio.timeout(READING_MARGIN):
                batch = await self._client.zpopmin(self._key, BATCH)
            for message, *_ in batch:
                await self._hand_over(message)
            if len(batch) < BATCH:
                break

    async def _hand_over(self, message: bytes) -> None:
        self._burst += 1
        if self._deliver(message) > 0 or self._burst >= BURST:
            self._burst = 0
            # The receivers run now: each takes its message, and may want another or not.
            await asyncio.sleep(0)
