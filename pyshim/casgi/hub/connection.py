"""The process's connection to a hub: one for each path, whoever in the process uses it.

What is asked of the hub, and its answers. In a casgi worker the connection is on the event loop of
the server, in C; turning.py says how it lives elsewhere. After a fork the child has a connection of
its own, and nothing of what the parent has joined.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
from collections.abc import Callable
from weakref import ref

from casgi import _core
from casgi.green_threads import green_library
from casgi.hub.errors import HubUnavailable
from casgi.hub.loops import call_on
from casgi.hub.space import Space
from casgi.hub.turning import TurnedClient

logger = logging.getLogger("casgi.hub")

DOWN, NO_CREDIT = -7, -3
CHANNEL_FULL, HUB_FULL, NOBODY = 1, 2, 3
# Seconds in which an answer is waited for on an event loop's thread, before another thread does it.
_AT_ONCE = 0.002
# Seconds that a thread waits for a loop which is busy with something else.
_LONGEST = 0.95
# Failures that are kept; those of plain calls on a server's loop are nobody's.
_MOST_FAILURES = 100_000

Request = Callable[[_core.HubClient], int]


class HubConnection(TurnedClient):
    """A connection that is made when it is first needed, and again whenever it is lost."""

    def __init__(self, path: str) -> None:
        """Connect to nothing yet."""
        super().__init__(path)
        self._spaces: dict[str, tuple[ref[Space], ...]] = {}

    def _begin(self) -> None:
        super()._begin()
        self._failures: dict[int, int] = {}
        self._sent = 0
        self._is_away = False

    def _make(self, server: _core.Server | None) -> _core.HubClient:
        self._sent = 0  # a client counts its own requests
        return super()._make(server)

    def enter(self, prefix: str, space: Space) -> None:
        """Give a space what comes for its prefix, for as long as it lives."""
        with self._making:
            spaces = self.spaces_of(prefix)
            if all(one is not space for one in spaces):
                self._spaces[prefix] = tuple(ref(one) for one in [*spaces, space])

    def spaces_of(self, prefix: str) -> list[Space]:
        """Return the spaces of a prefix: mostly one."""
        return [space for one in self._spaces.get(prefix, ()) if (space := one()) is not None]

    def others_of(self, prefix: str, space: Space) -> list[Space]:
        """Return the other spaces of a prefix: mostly none."""
        is_alone = len(self._spaces.get(prefix, ())) <= 1
        return [] if is_alone else [one for one in self.spaces_of(prefix) if one is not space]

    # Requests: each returns the number to wait for

    def request(self, act: Request) -> int | None:
        """Ask for something; None when the hub has not read enough of what was sent before."""
        client = self._live()
        number = act(client)
        if number == DOWN:
            raise HubUnavailable(self.path, client.reason or "the connection was lost")
        if number == NO_CREDIT:
            return None
        self._sent = number
        return number

    def put(self, act: Request) -> int:
        """Ask for something, when the hub has read what was sent before; in any thread.

        On the server's own loop that cannot be waited for.
        """
        number = self.request(act)
        while number is None:
            if self._is_on_own_loop():
                reason = "it has not read what was sent before: event loops have to await the layer"
                raise HubUnavailable(self.path, reason)
            self.wait(self._sent)
            number = self.request(act)
        return number

    def do(self, act: Request) -> int:
        """Ask for something and wait for the answer; return why it failed, or 0."""
        return self.wait(self.put(act))

    async def submit(self, act: Request) -> int:
        """Ask for something, when the hub has read what was sent before."""
        number = self.request(act)
        while number is None:
            await self.answer(self._sent)
            number = self.request(act)
        return number

    def announce(self, topic: bytes) -> int:
        """Have the topic delivered; return the number after which it certainly is."""
        self._require_threads()
        known = self._topics.get(topic)
        if known is not None:
            return known
        try:
            number = self.request(lambda client: client.announce(topic))
        except HubUnavailable:
            self._live().withdraw(topic)
            raise
        assert number is not None
        self._topics[topic] = number
        return number

    def withdraw(self, topic: bytes) -> None:
        """Have the topic delivered no more."""
        if self._topics.pop(topic, None) is not None and self._client is not None:
            self._client.withdraw(topic)

    def ask(self, channel: bytes) -> None:
        """Ask for one message of a channel, over any loss of the connection."""
        self._require_threads()
        client = self._live()
        if not client.connect():
            raise HubUnavailable(self.path, client.reason)
        self._asked[channel] += 1  # before the look: on_up(), in another thread, asks for all
        if self._is_up:
            self.request(lambda client: client.receive(channel))

    def asked(self, channel: bytes) -> int:
        """Return how many messages of a channel are asked for."""
        return self._asked[channel]

    def abandon(self, channel: bytes) -> None:
        """Ask for one message less."""
        self._asked[channel] -= 1
        if self._asked[channel] <= 0:
            del self._asked[channel]
        if self._client is not None and self._is_up:
            self._client.abandon(channel)

    def _require_threads(self) -> None:
        """Raise RuntimeError where nobody could read for this process while it does something."""
        library = None if self._loop is not None else green_library()
        if library is not None:
            raise RuntimeError(
                f"{library} has replaced Python's threads: this process can send, but has no thread"
                f" that hears what the hub at {self.path} says, to join groups or receive"
            )

    # Answers

    def is_trusted(self, number: int) -> bool:
        """Whether a request that cannot fail counts as done: the hub lived a moment ago."""
        client = self._client
        return client is not None and (client.is_trusted or client.acked >= number)

    def wait(self, number: int) -> int:
        """Wait in this thread; return why the request failed, or 0. Raise HubUnavailable."""
        client = self._client or self._live()
        if self._is_on_own_loop():
            return 0  # the loop that would bring the answer is the one that would wait
        if self._loop is not None or self._is_read():
            self._wait_for_others(client, number)
        else:
            with self._turning:
                while client.acked < number and client.is_connected:
                    client.turn(1.0)
        return self._result(client, number)

    async def answer(self, number: int) -> int:
        """As wait(), on an event loop."""
        client = self._client or self._live()
        if self._loop is None and not self._is_read():
            self._turn_a_moment(client, number)
        if client.acked >= number:
            return self._failures.pop(number, 0)
        if self._loop is None and green_library() is not None:
            return self.wait(number)
        if self._loop is None:
            self.read_always()
        loop = asyncio.get_running_loop()
        arrival: asyncio.Future[None] = loop.create_future()

        def arrive() -> None:
            if not arrival.done():
                arrival.set_result(None)

        is_here = loop is self._loop
        self._add(client, number, arrive if is_here else lambda: call_on(loop, arrive))
        await arrival
        return self._result(client, number)

    def _result(self, client: _core.HubClient, number: int) -> int:
        if client.acked < number:
            raise HubUnavailable(self.path, client.reason or "it does not answer")
        return self._failures.pop(number, 0)

    def _wait_for_others(self, client: _core.HubClient, number: int) -> None:
        if client.acked < number:
            arrived = threading.Event()
            self._add(client, number, arrived.set)
            arrived.wait(_LONGEST)

    def close(self) -> None:
        """Close it once the hub has read what nobody has waited for."""
        client = self._client
        if client is not None and self._process == os.getpid() and self._loop is None:
            self._is_away = True  # that it has ended concerns nobody here any more
            try:
                self.wait(self._sent)
            except HubUnavailable as error:
                logger.error("%s: it may have missed what was sent last", error)
        super().close()
        self._is_away = False

    def _turn_a_moment(self, client: _core.HubClient, number: int) -> None:
        if self._turning.acquire(blocking=False):
            try:
                if client.acked < number and client.is_connected:
                    client.turn(_AT_ONCE)
            finally:
                self._turning.release()

    def on_answer(self, number: int, callback: Callable[[], object]) -> None:
        """Have it called once the request is answered, or never will be; where that is noticed."""
        self._add(self._live(), number, callback)

    def _add(self, client: _core.HubClient, number: int, callback: Callable[[], object]) -> None:
        self._waiting.add(number, callback)
        if not client.notify(number):
            self._waiting.answer(client.acked if client.is_connected else None)

    # What the client tells

    def on_acked(self) -> None:
        """Wake who waits, and have the next one woken."""
        client = self._client
        if client is None:
            return
        self._waiting.answer(client.acked if client.is_connected else None)
        first = self._waiting.first()
        if first is not None and not client.notify(first):
            self._waiting.answer(client.acked if client.is_connected else None)

    def on_failed(self, number: int, failure: int) -> None:
        """Keep it for who waits for the number, if somebody does."""
        self._failures[number] = failure
        if len(self._failures) > _MOST_FAILURES:
            del self._failures[next(iter(self._failures))]

    def on_deliver(self, topic: bytes, payload: bytes) -> bool:
        """Give it to its space; on a server's loop consumers then get their turn."""
        events = 0
        for space in self.spaces_of(topic[1 : topic.find(b"\0")].decode()):
            events += space.take(topic, payload)
        return events == 0 or self._go_on(events)

    def on_message(self, channel: bytes, payload: bytes) -> bool:
        """Give it to its space."""
        self._asked[channel] -= 1
        if self._asked[channel] <= 0:
            del self._asked[channel]
        prefix = channel[1:].partition(b"\0")[0].decode()
        spaces = self.spaces_of(prefix)
        waiting = [one for one in spaces if one.waits_for(channel)] or spaces
        return self._go_on(sum(one.take_message(channel, payload) for one in waiting[:1]))

    def _go_on(self, events: int) -> bool:
        if events == 0 or self._loop is None or self._client is None:
            return True
        self._loop.call_soon(self._resume)
        return False

    def _resume(self) -> None:
        if self._client is not None:
            self._client.resume()

    def on_up(self, again: int) -> None:
        """Ask for what was asked for on no connection, or on one that is lost."""
        if self._is_away:
            logger.warning("The hub is back: %s", self.path)
        self._is_up, self._is_away = True, False
        if (client := self._client) is None:  # another thread closes the connection
            return
        for channel, count in list(self._asked.items()):
            for _ in range(count):
                client.receive(channel)

    def on_gap(self) -> None:
        """Tell all spaces."""
        for prefix in list(self._spaces):
            for space in self.spaces_of(prefix):
                space.report_gap()

    def on_down(self) -> None:
        """Say so, once."""
        self._is_up = False
        if not self._is_away and (client := self._client) is not None:
            self._is_away, reason = True, client.reason
            logger.error("The hub is away, messages may be missed: %s (%s)", self.path, reason)

    def leave_to_parent(self) -> None:
        """In a forked child: begin anew, with nothing joined."""
        super().leave_to_parent()
        for prefix in list(self._spaces):
            for space in self.spaces_of(prefix):
                space.leave_to_parent()


_connections: dict[str, HubConnection] = {}


def connection_to(path: str) -> HubConnection:
    """Return the process's connection to the hub at this path."""
    return _connections.setdefault(path, HubConnection(path))


def connections() -> list[HubConnection]:
    """Return all connections of the process."""
    return list(_connections.values())


def _close_all() -> None:
    for connection in connections():
        connection.close()


def _leave_all_to_parent() -> None:
    for connection in connections():
        connection.leave_to_parent()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_leave_all_to_parent)
