"""A host's link to the others.

It sends to Redis what the processes of the host publish, and gives to their hub what comes from
there. It runs in one process of the host, in a thread of its own; see lease.py.

What is to be sent waits in channels of the hub, one for each partition, so that it outlives the
process that is the link, and outages of Redis. Messages that were on the way when a server failed
are lost: the members of all hosts get `layer_gap`. When a link leaves in good order its successor
subscribes first, and a mark that it sends says, for both, where one ends and the other begins.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Coroutine
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError

from casgi.channels.hosts import wire
from casgi.channels.hosts.lease import Lease
from casgi.channels.hosts.partition import Partition
from casgi.channels.hosts.server_link import HEARTBEAT, ServerLink
from casgi.channels.hosts.servers import Place, Servers
from casgi.channels.hosts.settings import LinkSettings, gap_topic, link_topic, outgoing_key
from casgi.channels.hub.names import new_token, process_topic
from casgi.channels.redis.reconnect import Backoff, Outages
from casgi.hub.connection import HubConnection
from casgi.hub.errors import HubUnavailable
from casgi.hub.project import project_name

logger = logging.getLogger("casgi.channels")

# Seconds after which the servers are looked for again, though none has failed.
_LOOK = 5.0
# Seconds that a link which leaves waits for its successor, and a successor for it: less than the
# candidate's patience, and more than a busy machine holds up a process.
_HANDOVER = 4.0
_MOMENT = 0.02
# Seconds in which what reports gaps is gathered.
_GATHERING = 0.1


class Link:
    """The link, while this process is it. Used on one event loop, but for what the hub calls."""

    def __init__(self, settings: LinkSettings, lease: Lease, servers: Servers) -> None:
        """Take the lease, which is held, and what finds the servers."""
        self._host = lease.host
        self._epoch = lease.epoch
        self._loop = asyncio.get_running_loop()
        self._settings = settings
        self._lease = lease
        self._servers = servers
        self._name = new_token()
        project, prefix, count = project_name(), settings.prefix, settings.partitions
        self._partitions = [
            Partition(
                number,
                wire.redis_channel(project, prefix, number, count),
                outgoing_key(prefix, number),
            )
            for number in range(count)
        ]
        self._by_key = {partition.key: partition for partition in self._partitions}
        self._channels = [partition.channel for partition in self._partitions]
        self._gap_topic = gap_topic(prefix)
        self._own_topic = process_topic(prefix, self._name)
        self._is_leaving = False
        self._reports_gap = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._server_links: dict[Place, ServerLink] = {}
        self._server_link_of: dict[int, ServerLink] = {}
        self._trouble = asyncio.Event()
        self._outages = Outages()
        self._owes_gap_here = lease.has_predecessor and not lease.predecessor_leaves
        # What has arrived since the marks, until the predecessor has passed on what came before.
        self._held: list[bytes] | None = [] if lease.predecessor_leaves else None
        self._successor: bytes | None = None
        self._handed_over = asyncio.Event()
        # What the hub has given, in another thread, and whether the loop knows.
        self._given: deque[tuple[bytes, bytes]] = deque()
        self._will_sort = False
        self._hub = HubConnection(settings.hub_path)
        self._hub.enter(prefix, self)

    async def run(self, ending: asyncio.Event) -> None:
        """Be the link until the end is wanted, and then until a successor has taken over."""
        keeper = self._loop.create_task(self._keep_connected())
        try:
            await self._begin()
            await ending.wait()
            await self._leave()
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
            for server_link in self._server_links.values():
                await server_link.stop()
            await self._servers.close()
            self._hub.close()

    async def _begin(self) -> None:
        # From now on the end of the hub is noticed, with what waits there.
        with contextlib.suppress(HubUnavailable):
            self._hub.announce(self._own_topic)
            self._hub.read_always()
        if self._owes_gap_here:
            self._owe_gap()  # what the predecessor had taken out of the hub may not have gone out
        if self._held is None:
            return
        for partition in self._partitions:
            partition.is_passed_on = False
            partition.mark = wire.MARK + self._name.encode()
        self._loop.call_later(_HANDOVER, self._take_over, False)

    async def _leave(self) -> None:
        self._is_leaving = True
        for partition in self._partitions:
            self._ask_no_more(partition)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_HANDOVER):
                await self._send_rest()
                self._lease.hand_over()
                while not self._handed_over.is_set() and not self._lease.is_abandoned():
                    await asyncio.sleep(_MOMENT)
        if self._successor is not None:
            # It comes behind all that this link has passed on: all that came before the marks, or
            # less when the time was over.
            topic = process_topic(self._settings.prefix, self._successor.decode())
            await self._publish(topic, b"" if self._handed_over.is_set() else wire.GAP)

    async def _send_rest(self) -> None:
        with contextlib.suppress(HubUnavailable):
            # The answer comes behind the last message that the hub gives.
            number = await self._hub.submit(lambda client: client.abandon(self._gap_topic))
            await self._hub.answer(number)
        while (
            self._given
            or any(partition.outgoing or partition.owes_gap for partition in self._partitions)
            or any(server_link.is_sending for server_link in self._server_links.values())
        ):
            await asyncio.sleep(_MOMENT)

    # The servers

    async def _keep_connected(self) -> None:
        backoff = Backoff(_MOMENT, HEARTBEAT)
        while True:
            self._trouble.clear()
            try:
                await self._arrange(await self._servers.locate(self._channels))
            # Nothing may end the link; what works goes on though nobody knows of the servers.
            except Exception as error:
                if not self._is_whole:
                    self._lose(error)
            if self._is_whole:
                backoff.reset()
            delay = _LOOK if self._is_whole else backoff.next_delay()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._trouble.wait()

    @property
    def _is_whole(self) -> bool:
        return all(partition.is_up for partition in self._partitions)

    async def _arrange(self, places: list[Place]) -> None:
        """Have a link to the server of each place, and to no other."""
        for place, server_link in list(self._server_links.items()):
            if server_link.is_over or place not in places:
                del self._server_links[place]
                await server_link.stop()
                self._lose(
                    server_link.error or RedisConnectionError("its partitions are elsewhere now")
                )
        for place in places:
            if place not in self._server_links:
                partitions = [self._partitions[number] for number in sorted(place.partitions)]
                server_link = ServerLink(
                    place, partitions, self, is_sharded=self._servers.is_sharded
                )
                server_link.notify_end(self._trouble.set)
                self._server_links[place] = server_link
                self._server_link_of.update(dict.fromkeys(place.partitions, server_link))

    def _lose(self, error: BaseException) -> None:
        self._outages.begin(self._servers.name, error)
        self._owes_gap_here = True

    def came_up(self, partition: Partition) -> None:
        """Take messages of the partition out of the hub; see whether all is well again."""
        self.ask(partition)
        if not self._is_whole:
            return
        self._outages.end(self._servers.name)
        with contextlib.suppress(HubUnavailable):
            self._hub.announce(link_topic(self._settings.prefix))
        if self._owes_gap_here:
            self._owes_gap_here = False
            self._report_gap_here()
        else:
            self._run_soon(self._publish(self._gap_topic, wire.LINKED))

    def _report_gap_once_up(self) -> None:
        """Tell the members here, who miss messages until the link is up."""
        if self._is_whole:
            self._report_gap_here()
        else:
            self._owes_gap_here = True

    def _report_gap_here(self) -> None:
        """Tell the members here, once of what one failure has brought."""
        if not self._reports_gap:
            self._reports_gap = True
            self._run_soon(self._report_gap_in_a_moment())

    async def _report_gap_in_a_moment(self) -> None:
        await asyncio.sleep(_GATHERING)
        self._reports_gap = False
        await self._publish(self._gap_topic, b"")

    def _run_soon(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.add(task := self._loop.create_task(work))
        task.add_done_callback(self._tasks.discard)

    # From Redis to the hub

    async def arrive(self, partition: Partition, text: bytes) -> None:
        """Take what a link has sent: another host's, this one's, or another of this host."""
        host, stamp, rest = wire.split(text)
        if not partition.is_next(host, stamp):
            return
        if host == self._host:
            if rest.startswith(wire.MARK):
                self._pass_mark(partition, rest[1:])
        elif partition.is_passed_on:
            if self._held is not None:
                self._held.append(rest)
            else:
                await self._pass_on(rest)

    async def _pass_on(self, text: bytes) -> None:
        if text.startswith(wire.MESSAGE):
            await self._publish(*wire.read_message(text))
        elif text.startswith(wire.GAP):
            self._report_gap_here()

    async def _publish(self, topic: bytes, payload: bytes) -> None:
        # When the hub is away, it reports a gap to its members once it is back.
        with contextlib.suppress(HubUnavailable):
            await self._hub.submit(lambda client: client.publish(topic, payload))

    # From one link of this host to the next

    def _pass_mark(self, partition: Partition, name: bytes) -> None:
        if name == self._name.encode():
            partition.is_passed_on = True
            return
        partition.is_passed_on = False
        self._successor = name
        if not any(one.is_passed_on for one in self._partitions if one.is_up):
            self._handed_over.set()

    def _take_over(self, is_in_order: bool) -> None:
        """Pass on what has been held; nobody else does from now on."""
        held, self._held = self._held, None
        if held is None:
            return
        for partition in self._partitions:
            partition.is_passed_on = True
        if not is_in_order:
            self._report_gap_once_up()
        self._run_soon(self._pass_on_all(held))

    async def _pass_on_all(self, held: list[bytes]) -> None:
        for text in held:
            await self._pass_on(text)

    # From the hub to Redis

    def seal(self, partition: Partition, text: bytes) -> bytes:
        """Return the text as it goes to Redis, with its place among those of this host."""
        partition.sent += 1
        return wire.head(self._host, self._epoch, partition.sent) + text

    def ask(self, partition: Partition) -> None:
        """Ask for as many messages as there is room for."""
        if self._is_leaving:
            return
        with contextlib.suppress(HubUnavailable):
            for _ in range(partition.wanted()):
                self._hub.ask(partition.key)
                partition.asked += 1
            self._hub.read_always()

    def _ask_no_more(self, partition: Partition) -> None:
        while partition.asked > 0:
            partition.asked -= 1
            self._hub.abandon(partition.key)

    def _sort(self) -> None:
        """Put what the hub has given where it is sent from."""
        self._will_sort = False
        while self._given:
            key, text = self._given.popleft()
            partition = self._by_key[key]
            partition.asked -= 1
            if text == b"":
                logger.error("Other hosts miss messages, which the hub could not keep for them")
                partition.owes_gap = True
            else:
                partition.outgoing.append(text)
            if partition.number in self._server_link_of:
                self._server_link_of[partition.number].wake()

    def _owe_gap(self) -> None:
        for partition in self._partitions:
            partition.owes_gap = True
        for server_link in self._server_links.values():
            server_link.wake()

    # What the hub calls, in another thread

    def waits_for(self, channel: bytes) -> bool:
        """Return whether it is a channel with what is to be sent."""
        return channel in self._by_key

    def take_message(self, channel: bytes, payload: bytes) -> int:
        """Take what is to be sent."""
        self._given.append((channel, payload))
        if not self._will_sort:
            self._will_sort = True
            self._loop.call_soon_threadsafe(self._sort)
        return 0

    def take(self, topic: bytes, payload: bytes) -> int:
        """Take the predecessor's word that it has ended, and whether it has passed on all."""
        if topic == self._own_topic:
            self._loop.call_soon_threadsafe(self._take_over, payload != wire.GAP)
        return 0

    def report_gap(self) -> None:
        """Notice that the hub has lost messages that were to be sent."""
        self._loop.call_soon_threadsafe(self._owe_gap)

    def leave_to_parent(self) -> None:
        """Do nothing: a forked child has no link."""
