"""Which server of Redis has which partitions: one has all, alone or behind Sentinel, or a Cluster.

Hosts are given as channels_redis takes them. A server that is found is one of those dicts, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from channels_redis.utils import decode_hosts
from redis import asyncio as aioredis
from redis.asyncio.connection import SSLConnection, parse_url
from redis.asyncio.sentinel import Sentinel
from redis.crc import key_slot
from redis.exceptions import RedisError

from casgi.channels.redis.pools import Host, close_client, reading_pool, server_name

# Seconds that a server which says where others are may take.
_PATIENCE = 2.0
_Address = tuple[str, int]
_LIMITS = {"socket_timeout": _PATIENCE, "socket_connect_timeout": _PATIENCE}


class Place:
    """A server, and the partitions that it has. Two are equal when both are the same."""

    def __init__(self, host: Host, partitions: Iterable[int]) -> None:
        """Take the server's dict, and the numbers of partitions."""
        # With RESP3 messages would come among the answers to commands.
        self.host = {**host, "protocol": 2}
        self.name = server_name(host)
        self.partitions = frozenset(partitions)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Place) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[str, frozenset[int]]:
        return self.name, self.partitions


class Servers(Protocol):
    """What finds them."""

    name: str
    """What to call them all in a line of the log."""
    is_sharded: bool
    """Whether the pub/sub of a Cluster is used."""

    async def locate(self, channels: Sequence[bytes]) -> list[Place]:
        """Return where the partitions with these channels are; raise errors of redis-py."""

    async def close(self) -> None:
        """Close the connections by which they are found."""


def servers_of(hosts: Any, *, is_cluster: bool) -> Servers:
    """Return what finds the servers of the hosts in a layer's settings. Raise ValueError."""
    decoded = decode_hosts(hosts)
    if is_cluster:
        return ClusterServers(decoded)
    if len(decoded) > 1:
        raise ValueError("hosts names several servers of Redis, which is only for cluster=True")
    host = decoded[0]
    return SentinelServers(host) if host.get("master_name") is not None else OneServer(host)


class OneServer:
    """A Redis that is always the same."""

    is_sharded = False

    def __init__(self, host: Host) -> None:
        """Take it."""
        self._host = host
        self.name = server_name(host)

    async def locate(self, channels: Sequence[bytes]) -> list[Place]:
        """Return the one."""
        return [Place(self._host, range(len(channels)))]

    async def close(self) -> None:
        """Do nothing: there is no connection."""


class SentinelServers:
    """The master that Sentinel names."""

    is_sharded = False

    def __init__(self, host: Host) -> None:
        """Take the entry with `sentinels` and `master_name`."""
        self._rest = dict(host)
        self._master: str = self._rest.pop("master_name")
        options = {**_LIMITS, **(self._rest.pop("sentinel_kwargs", None) or {})}
        sentinels = self._rest.pop("sentinels")
        self._sentinel: Any = Sentinel(sentinels, sentinel_kwargs=options)  # type: ignore[no-untyped-call]
        self.name = server_name(host)

    async def locate(self, channels: Sequence[bytes]) -> list[Place]:
        """Ask the sentinels."""
        address, port = await self._sentinel.discover_master(self._master)
        return [Place({**self._rest, "host": address, "port": port}, range(len(channels)))]

    async def close(self) -> None:
        """Close the connections to the sentinels."""
        for client in self._sentinel.sentinels:
            await close_client(client)


class ClusterServers:
    """The masters of a Redis Cluster, each with the partitions whose slots it has."""

    is_sharded = True

    def __init__(self, hosts: list[Host]) -> None:
        """Take the nodes that are asked first; options of the first are those of all."""
        nodes = [_decode_address(host) for host in hosts]
        self._nodes = [(node.pop("host"), int(node.pop("port"))) for node in nodes]
        self._options = nodes[0]
        self._is_tls = bool(self._options.pop("ssl", False))
        self.name = f"cluster at {self._nodes[0][0]}:{self._nodes[0][1]}"

    async def locate(self, channels: Sequence[bytes]) -> list[Place]:
        """Ask the nodes in turn; a partition whose slot nobody has is left out."""
        masters = await self._ask_in_turn()
        by_node: dict[_Address, list[int]] = {}
        for number, channel in enumerate(channels):
            slot = key_slot(channel)
            for begin, end, node in masters:
                if begin <= slot <= end:
                    by_node.setdefault(node, []).append(number)
        # Those that the settings name may be gone one day.
        self._nodes += [node for node in by_node if node not in self._nodes]
        return [Place(self._server(*node), numbers) for node, numbers in by_node.items()]

    async def _ask_in_turn(self) -> list[tuple[int, int, _Address]]:
        for node in list(self._nodes):
            try:
                return await self._ask(*node)
            except (RedisError, OSError) as error:
                # The others go first the next time.
                self._nodes.remove(node)
                self._nodes.append(node)
                last = error
        raise last

    async def _ask(self, host: str, port: int) -> list[tuple[int, int, _Address]]:
        client: Any = aioredis.Redis(connection_pool=reading_pool(self._server(host, port)))
        try:
            async with asyncio.timeout(_PATIENCE):
                reply = await client.execute_command("CLUSTER", "SLOTS")
        finally:
            await close_client(client)
        return [
            # A node that does not know its own name is where it was found.
            (begin, end, (master[0].decode() if master[0] else host, master[1]))
            for begin, end, master, *_ in reply
        ]

    def _server(self, host: str, port: int) -> Host:
        scheme = "rediss" if self._is_tls else "redis"
        address = f"[{host}]" if ":" in host else host
        return {**self._options, "address": f"{scheme}://{address}:{port}", "protocol": 2}

    async def close(self) -> None:
        """Do nothing: there is a client for each look only."""


def _decode_address(host: Host) -> Host:
    """Return an entry of hosts with `host`, `port` and `ssl`, and without an address."""
    options = dict(host)
    if "address" in options:
        options = {**parse_url(str(options.pop("address"))), **options}
        options["ssl"] = options.pop("connection_class", None) is SSLConnection
        if options.pop("db", 0):
            raise ValueError("a Redis Cluster has no databases: leave /N out of the address")
    return {**options, "host": options.get("host", "localhost"), "port": options.get("port", 6379)}
