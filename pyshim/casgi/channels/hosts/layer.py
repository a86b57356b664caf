"""The channel layer on the hubs of several hosts, which Redis joins.

Each process speaks to the hub of its host only: what it publishes goes to the other processes of
the host at once, and into a channel of the hub, from where the host's link sends it to Redis.
"""

from __future__ import annotations

import asyncio
from typing import Any

from casgi.channels.hosts import candidate, wire
from casgi.channels.hosts.own_hub import own_hub_path
from casgi.channels.hosts.servers import servers_of
from casgi.channels.hosts.settings import LinkSettings, gap_topic, link_topic, outgoing_key
from casgi.channels.hub.layer import HubChannelLayer
from casgi.hub.connection import NOBODY
from casgi.hub.project import hub_path

_UNLIMITED = 2**32 - 1
# Seconds in which the link connects, where there is a Redis, and between two looks whether it has.
_PATIENCE = 5.0
_MOMENT = 0.02


class RedisHubChannelLayer(HubChannelLayer):
    """`ChannelLayer` on a hub, for all hosts with the same Redis, project and prefix."""

    reaches_other_hosts = True

    def __init__(
        self,
        hosts: Any = None,
        *positional: Any,
        cluster: bool = False,
        partitions: int = 64,
        hub: str | None = None,
        **options: Any,
    ) -> None:
        """Make a layer, which connects when it is first used. Raise ValueError.

        Args:
            hosts: one server of Redis, or Sentinel, as channels_redis takes it; or nodes of a
                Redis Cluster.
            cluster: whether they are nodes of a Cluster, whose sharded pub/sub is used then.
            partitions: into how many channels of Redis the groups are divided; all hosts must say
                the same.
            hub: the path of the hub of this host; by default what CASGI_HUB says, and without
                either a hub of this process.
            positional: those of ChannelLayer, after hosts.
            options: those of ChannelLayer.

        """
        if partitions < 1:
            raise ValueError("partitions must be at least 1")
        servers_of(hosts, is_cluster=cluster)  # what is wrong with them is said where they are set
        self._hosts, self._is_cluster, self._partitions = hosts, cluster, partitions
        self._is_linked = False
        # Members here have not waited for a link that may have been connected later.
        self._misses = False
        super().__init__(*positional, hub=hub or hub_path() or own_hub_path(), **options)

    @property
    def prefix(self) -> str:
        """What keeps this layer's names apart; with the first use begins the link."""
        if self._prefix is None:
            prefix = super().prefix
            settings = LinkSettings(
                self.hub_path, prefix, self._hosts, self._is_cluster, self._partitions
            )
            candidate.enter(settings)
            self._gap_topic = gap_topic(prefix)
            self._outgoing_keys = [outgoing_key(prefix, n) for n in range(self._partitions)]
        return super().prefix

    def announce(self, group: str) -> int:
        """Have the group's messages come here, and the word of gaps."""
        prefix = self.prefix
        assert prefix is not None
        self.hub.announce(self._gap_topic)
        return super().announce(group)

    async def _announce(self, group: str, channel: str) -> None:
        await super()._announce(group, channel)
        await self._wait_for_link()

    async def _listen(self) -> None:
        self.hub.announce(gap_topic(self.prefix))
        await super()._listen()
        await self._wait_for_link()

    async def _wait_for_link(self) -> None:
        """Have what other hosts send from now on arrive here.

        When Redis is away that is not waited for: members hear of the gap as soon as it is back,
        or is there at last.
        """
        topic, loop = link_topic(self.prefix), asyncio.get_running_loop()
        deadline = loop.time() + _PATIENCE
        while not self._is_linked:
            # From before the last look on: the link may have come up behind it.
            is_last = loop.time() > deadline
            self._misses = self._misses or is_last
            if await self._do(lambda client: client.publish(topic, b"", True)) != NOBODY:
                self._is_linked, self._misses = True, False
            elif is_last:
                self._is_linked = True
            else:
                await asyncio.sleep(_MOMENT)

    def publishing(
        self,
        topic: bytes,
        payload: bytes,
        wants_receiver: bool = False,
        on_host: bytes | None = None,
    ) -> Any:
        """Return what publishes to all other processes of all hosts."""
        here = on_host or payload
        key = self._outgoing_keys[wire.partition_of(topic, self._partitions)]
        text = wire.message(topic, payload)
        lifetime = int(self.expiry * 1000)
        is_kept = False

        def act(client: Any) -> int:
            # Done again when the hub has to read first; what it keeps for the link is not.
            nonlocal is_kept
            if not is_kept:
                number: int = client.send(key, text, _UNLIMITED, lifetime, True)
                if number < 0:
                    return number
                is_kept = True
            number = client.publish(topic, here, wants_receiver)
            return number

        return act

    def take(self, topic: bytes, payload: bytes) -> int:
        """Take what the hub brings."""
        if topic == self._gap_topic:
            if payload != wire.LINKED or self._misses:
                self._misses = False
                self.report_gap()
            return 0
        return super().take(topic, payload)

    def leave_to_parent(self) -> None:
        """In a forked child: be a candidate of its own with the next use."""
        super().leave_to_parent()
        self._prefix = None
        self._is_linked = self._misses = False
