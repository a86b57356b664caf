"""The channels and groups of a layer that live in this process."""

import asyncio
import concurrent.futures
import contextlib
import time
import weakref
from collections.abc import Callable
from typing import Any

from channels.exceptions import ChannelFull

from casgi import _core

# Seconds after which another loop that does not take a message is not waited for.
_STUCK = 5.0
# Above the number of any membership.
_ALL = 2**64 - 1


def all_local_channels() -> list["LocalChannels"]:
    """Return those of all layers that are in use."""
    return list(_instances)


class LocalChannels:
    """What a layer of any kind does inside its process: mailboxes by name, groups, the fan-out.

    All methods may be called in any thread, and on any event loop.
    """

    gaps: int
    """How many times messages to consumers here may have been lost."""

    def __init__(
        self,
        *,
        capacity: Callable[[str], int],
        expiry: float = 60,
        group_expiry: float = 86400,
        discards_oldest: bool = False,
    ) -> None:
        """Make an empty one.

        Args:
            capacity: gives how many messages wait in a channel of this name.
            expiry: seconds that a message waits.
            group_expiry: seconds that a membership lasts.
            discards_oldest: a full channel loses its oldest message instead of the new one.

        """
        _instances.add(self)
        self.gaps = 0
        self.capacity = capacity
        self.expiry = expiry
        self._core = _core.ChannelTable(capacity, _wake, expiry, group_expiry, discards_oldest)
        self._discards_oldest = discards_oldest

    @property
    def dropped(self) -> int:
        """How many messages to groups were lost because a member's channel was full."""
        return self._core.dropped

    @property
    def shared(self) -> int:
        """How many frames went to WebSockets without their consumers having run."""
        return self._core.shared

    def notify_leaving(self, on_leave: Callable[[str, str], object]) -> None:
        """Have it called with group and channel of each membership that ends with its connection.

        It is called soon after, on the consumers' loop.
        """
        self._core.on_leave = on_leave

    def notify_emptying(self, on_group_empty: Callable[[str], object]) -> None:
        """Have it called with each group whose last member here has closed its connection.

        It is called soon after, on the consumers' loop.
        """
        self._core.on_group_empty = on_group_empty

    def put(self, channel: str, message: dict[str, Any], *, beyond_capacity: bool = False) -> None:
        """Append a message, which is taken as it is. Raise ChannelFull."""
        if not self._core.put(channel, message, beyond_capacity) and not self._discards_oldest:
            raise ChannelFull(channel)

    def take(self, channel: str) -> dict[str, Any] | None:
        """Return the first message, which is then gone; None when there is none."""
        return self._core.take(channel)

    async def get(self, channel: str) -> dict[str, Any]:
        """Wait for the next message; cancelled, none is lost."""
        while (message := self._core.take(channel)) is None:
            arrival = asyncio.get_running_loop().create_future()
            self._core.wait(channel, arrival)
            try:
                await arrival
            except BaseException:
                self._core.abandon(channel, arrival)
                raise
        return message

    def add(self, group: str, channel: str) -> int | None:
        """Add a channel to a group; return the number of the membership, higher than all before.

        None for a channel whose WebSocket is closed already: it stays outside.
        """
        return self._core.add(group, channel)

    def discard(self, group: str, channel: str) -> bool:
        """Take a channel out of a group; True when the group has no member left here by that."""
        return self._core.discard(group, channel)

    def send(self, group: str, message: dict[str, Any], end: int = _ALL) -> int:
        """Send copies of a message to all members; those whose channels are full lose it.

        Members are those whose membership has a number below `end`. Returns how many consumers have
        to run for it. Called in another thread than that of the consumers, it hands a copy to their
        loop and returns 0.
        """
        if self.is_home():
            return self._core.send(group, message, end)
        self._call_at_home(self._core.send, group, _core.copy_message(message), end)
        return 0

    def publish(self, group: str, message: dict[str, Any], packed: bytes) -> tuple[int, bytes]:
        """As send(), on the consumers' loop, and what take_packed() takes in another process.

        That is the bytes of the message, with what handlers here have come to.
        """
        return self._core.publish(group, message, packed)

    def take_packed(self, group: str, packed: bytes, unpack: Callable[[bytes], Any]) -> int:
        """As send(), of what publish() has made in another process.

        `unpack` returns the message of its bytes.
        """
        if self.is_home():
            return self._core.deliver(group, packed, unpack)
        self._call_at_home(self._core.deliver, group, packed, unpack)
        return 0

    async def deliver(self, group: str, message: dict[str, Any], end: int = _ALL) -> int:
        """As send(), and return when it is done: what the task sends next comes after it.

        On another loop than the consumers' it waits for theirs, though not for one that is stuck.
        """
        if self.is_home():
            return self._core.send(group, message, end)
        done: concurrent.futures.Future[int] = concurrent.futures.Future()
        copy = _core.copy_message(message)

        def send() -> None:
            if done.set_running_or_notify_cancel():
                done.set_result(self.send(group, copy, end))

        if self._call_at_home(send):
            await asyncio.wait([asyncio.wrap_future(done)], timeout=_STUCK)
        return 0

    def is_home(self) -> bool:
        """Whether the consumers' loop runs in this thread, or nobody listens."""
        home = self._core.home
        return home is None or _is_running(home)

    def _call_at_home(self, function: Callable[..., object], *arguments: object) -> bool:
        """Have the consumers' loop call it. False: it was closed, and all consumers with it."""
        home = self._core.home
        if home is None:
            return False
        try:
            home.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            return False
        return True

    def channels(self, group: str) -> list[str]:
        """Return the members of a group in the order of their joining."""
        return [channel.name for channel in self._core.members(group)]

    def joined(self, group: str) -> dict[str, float]:
        """Return the members of a group in the order of their joining, and when, by time.time()."""
        offset = time.time() - time.monotonic()
        return {name: joined + offset for name, joined in self._core.joined(group)}

    def size(self, group: str) -> int:
        """Return how many members a group has here, in the same time for any number."""
        return self._core.size(group)

    def groups(self) -> list[str]:
        """Return the groups that have members here."""
        return self._core.groups()

    def group_totals(self) -> tuple[int, int, int]:
        """Return how many groups have members here, how many, and how many the largest has."""
        return self._core.group_totals()

    def sizes(self) -> dict[str, int]:
        """Return how many messages wait in each channel that has some, or that somebody reads."""
        return self._core.sizes()

    def waiting(self, channel: str) -> int | None:
        """Return how many messages wait in a channel; None when none do and nobody reads it."""
        return self._core.waiting(channel)

    def open(self, channel: str) -> _core.Channel:
        """Return a channel for a consumer to listen to; close() is then due."""
        return self._core.open(channel)

    def is_bound(self, channel: str) -> bool:
        """Whether a consumer on a casgi WebSocket listens to the channel now."""
        return self._core.is_listening(channel)

    def report_gap(self) -> int:
        """Notify each consumer that has a handler `layer_gap` that messages may have been lost.

        Returns how many were notified.
        """
        self.gaps += 1
        told = 0
        for channel in self._core.listening():
            if hasattr(channel.consumer, "layer_gap"):
                # A full channel is where messages are missed: it has to hear of it all the more.
                told += self._core.put(channel.name, {"type": "layer.gap"}, True)
        return told

    def flush(self) -> None:
        """Drop all messages and memberships."""
        self._core.flush()


def _is_running(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether the loop runs in this thread."""
    return asyncio._get_running_loop() is loop


def _wake(target: "asyncio.Future[None] | _core.Channel") -> None:
    """Wake who waits for a message, in whatever thread it is."""
    if isinstance(target, _core.Channel):
        loop, callback = target.loop, target.wake
    else:
        loop, callback = target.get_loop(), _finisher(target)
    if loop is None:
        return
    if _is_running(loop):
        callback()
    else:
        with contextlib.suppress(RuntimeError):  # the loop was closed with the task that waited
            loop.call_soon_threadsafe(callback)


def _finisher(arrival: "asyncio.Future[None]") -> Callable[[], None]:
    def finish() -> None:
        if not arrival.done():
            arrival.set_result(None)

    return finish


_instances: "weakref.WeakSet[LocalChannels]" = weakref.WeakSet()
