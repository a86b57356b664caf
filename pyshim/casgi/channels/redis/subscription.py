"""What one event loop has subscribed to on one Redis server, through whatever happens to that.

One task reads, on a connection of its own. When the connection is lost it makes another and
subscribes to everything again; those who wait for messages never see an error of the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from redis import asyncio as aioredis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from casgi.channels.redis.pools import COMMAND_SECONDS, Host, close_client, reading_pool
from casgi.channels.redis.reader import BURST
from casgi.channels.redis.reconnect import Backoff, Outages

IDLE_SECONDS = 15.0
"""After how long without a message Redis is asked whether it is still there."""
BATCH = 500
"""How many names one command subscribes to."""


class Subject(NamedTuple):
    """The name of a channel of Redis, or a pattern of such names."""

    name: str
    is_pattern: bool = False


class Subscription:
    """All subscriptions of one loop on one server. Used on that loop only."""

    def __init__(
        self,
        host: Host,
        server: str,
        outages: Outages,
        deliver: Callable[[str, bytes], int],
        come_back: Callable[[], Awaitable[None]],
    ) -> None:
        """Remember where to read, and whom to notify.

        `deliver` takes the channel and the bytes of each message, does not raise, and returns how
        many consumers have to run for it; `come_back` is awaited when everything is subscribed to
        again after an outage that nobody else has seen end.
        """
        self._host = host
        self._server = server
        self._outages = outages
        self._deliver = deliver
        self._come_back = come_back
        # What is wanted, each with a future that is done when Redis has confirmed it first.
        self._subjects: dict[Subject, asyncio.Future[None]] = {}
        self._unconfirmed: set[Subject] = set()
        self._is_away = False
        self._pubsub: Any = None
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def has(self, subject: Subject) -> bool:
        """Return whether it is subscribed to; during an outage, whether it will be again."""
        confirmed = self._subjects.get(subject)
        return confirmed is not None and confirmed.done()

    async def add(self, subject: Subject) -> None:
        """Subscribe; raise an error of redis-py when Redis does not confirm it."""
        confirmed = self._subjects.get(subject)
        if confirmed is None:
            if self._is_away:
                raise RedisConnectionError(f"{self._server} is away")
            confirmed = self._subjects[subject] = asyncio.get_running_loop().create_future()
            self._unconfirmed.add(subject)
            self._start()
            if self._pubsub is not None:
                await self._try_to_write(subject)
        # Others may wait for the same.
        await asyncio.wait([confirmed], timeout=COMMAND_SECONDS)
        if not confirmed.done():
            self._fail(subject, RedisTimeoutError(f"{self._server} does not answer"))
        confirmed.result()

    async def remove(self, subject: Subject) -> None:
        """Unsubscribe; nothing when it is not subscribed to."""
        pubsub = self._pubsub
        if self._fail(subject, RedisConnectionError("unsubscribed")) and pubsub is not None:
            # A connection that fails is replaced by one without this subscription.
            with contextlib.suppress(RedisError, OSError):
                async with self._writing, asyncio.timeout(COMMAND_SECONDS):
                    leave = pubsub.punsubscribe if subject.is_pattern else pubsub.unsubscribe
                    await leave(subject.name)

    async def stop(self) -> None:
        """End the task, and forget all subscriptions."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        for subject in list(self._subjects):
            self._fail(subject, RedisConnectionError("closed"))
        self._is_away = False

    async def _try_to_write(self, subject: Subject) -> None:
        try:
            await self._write([subject])
        except (RedisError, OSError) as error:
            self._fail(subject, error)

    def _fail(self, subject: Subject, error: Exception) -> bool:
        """Subscribe to it no longer; raise the error where it has not been confirmed yet."""
        confirmed = self._subjects.pop(subject, None)
        self._unconfirmed.discard(subject)
        if confirmed is not None and not confirmed.done():
            confirmed.set_exception(error)
            confirmed.exception()  # whoever waited may have gone
        return confirmed is not None

    def _start(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(
                self._run(), name=f"casgi reads from {self._server}"
            )

    async def _run(self) -> None:
        backoff = Backoff()
        client = aioredis.Redis(connection_pool=reading_pool(self._host))
        try:
            while True:
                try:
                    await self._serve(client, backoff)
                # Nothing may end the reading: those who wait would wait for ever.
                except Exception as error:
                    self._lose(error)
                await asyncio.sleep(backoff.next_delay())
        finally:
            await close_client(client)

    async def _serve(self, client: aioredis.Redis, backoff: Backoff) -> None:
        """Connect, subscribe and read until something fails."""
        pubsub: Any = client.pubsub()
        try:
            self._unconfirmed = set(self._subjects)
            async with asyncio.timeout(COMMAND_SECONDS):
                await pubsub.connect()
            self._pubsub, self._is_away = pubsub, False
            await self._write(list(self._subjects))
            backoff.reset()
            await self._check_end()
            await self._read(pubsub)
        finally:
            self._pubsub = None
            with contextlib.suppress(RedisError, OSError):
                await pubsub.aclose()

    def _lose(self, error: Exception) -> None:
        self._is_away = True
        self._outages.begin(self._server, error)
        for subject in self._pending():
            self._fail(subject, error)

    def _pending(self) -> list[Subject]:
        return [subject for subject, confirmed in self._subjects.items() if not confirmed.done()]

    async def _write(self, subjects: list[Subject]) -> None:
        pubsub = self._pubsub
        async with self._writing, asyncio.timeout(COMMAND_SECONDS):
            for is_pattern in (False, True):
                names = [one.name for one in subjects if one.is_pattern is is_pattern]
                subscribe = pubsub.psubscribe if is_pattern else pubsub.subscribe
                for start in range(0, len(names), BATCH):
                    await subscribe(*names[start : start + BATCH])

    async def _read(self, pubsub: Any) -> None:
        loop = asyncio.get_running_loop()
        asked_at: float | None = None
        burst = 0
        while True:
            patience = IDLE_SECONDS if asked_at is None else COMMAND_SECONDS
            message = await self._next(pubsub, patience)
            if message is not None:
                asked_at = None
                burst += 1
                if self._take(message) > 0 or burst >= BURST:
                    burst = 0
                    await asyncio.sleep(0)
                await self._check_end()
            elif asked_at is None:
                asked_at = loop.time()
                async with self._writing, asyncio.timeout(COMMAND_SECONDS):
                    await pubsub.ping()
            elif loop.time() - asked_at >= COMMAND_SECONDS:
                raise RedisConnectionError("it does not answer")

    async def _next(self, pubsub: Any, patience: float) -> dict[str, Any] | None:
        try:
            message: dict[str, Any] | None = await pubsub.get_message(timeout=patience)
        except NoPermissionError as error:
            refused = self._pending()
            if not refused:
                raise
            for subject in refused:
                self._fail(subject, error)
            return None
        return message

    def _take(self, message: dict[str, Any]) -> int:
        kind = message["type"]
        if kind in ("message", "pmessage"):
            return self._deliver(_text(message["channel"]), message["data"])
        if kind in ("subscribe", "psubscribe"):
            self._confirm(Subject(_text(message["channel"]), kind == "psubscribe"))
        return 0

    def _confirm(self, subject: Subject) -> None:
        confirmed = self._subjects.get(subject)
        if confirmed is not None and not confirmed.done():
            confirmed.set_result(None)
        self._unconfirmed.discard(subject)

    async def _check_end(self) -> None:
        if not self._unconfirmed and self._outages.end(self._server):
            await self._come_back()


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name
