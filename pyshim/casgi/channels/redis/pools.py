"""Connections to the Redis servers of a layer, with time limits for what they are used for.

redis-py 7 waits for an answer without limit and redis-py 8 for 5 seconds. The first lets a command
hang for ever, the second ends every read that blocks for longer. A layer therefore has two kinds of
connections: for commands, and for reads that block.
"""

from __future__ import annotations

import contextlib
from typing import Any

from channels_redis.utils import _close_redis, create_pool
from redis import asyncio as aioredis
from redis.exceptions import RedisError

COMMAND_SECONDS = 5.0
"""How long a command may take, unless the settings say it."""
READING_MARGIN = 5.0
"""How much longer than it blocks a read may take, connecting included."""

Host = dict[str, Any]
"""One entry of a layer's hosts, as `channels_redis.utils.decode_hosts` returns it."""


def command_pool(host: Host) -> aioredis.ConnectionPool:
    """Return connections for commands; each ends in an error when Redis does not answer in time.

    A limit of None in the settings counts as not set: it is what settings have against redis-py 8
    ending blocking reads, which here have connections of their own.
    """
    pool: aioredis.ConnectionPool = create_pool(host)
    _limit(pool)
    return pool


def reading_pool(host: Host) -> aioredis.ConnectionPool:
    """Return connections for reads that block; the reader limits the time of each by itself.

    With a limit of its own redis-py writes commands by asyncio.wait_for, which on Python 3.11 can
    lose the cancellation of the task: it would then wait for a message that nobody wants.
    """
    pool: aioredis.ConnectionPool = create_pool(host)
    _limit(pool)
    pool.connection_kwargs["socket_timeout"] = None
    return pool


def _limit(pool: aioredis.ConnectionPool) -> None:
    for name in ("socket_timeout", "socket_connect_timeout"):
        if pool.connection_kwargs.get(name) is None:
            pool.connection_kwargs[name] = COMMAND_SECONDS
    for sentinel in _sentinels(pool):
        _limit(sentinel.connection_pool)


def _sentinels(pool: aioredis.ConnectionPool) -> list[aioredis.Redis]:
    manager = getattr(pool, "sentinel_manager", None)
    return [] if manager is None else list(manager.sentinels)


async def drop_idle(client: aioredis.Redis) -> None:
    """Close the connections that nobody uses just now: they are from before an outage.

    redis-py 8 does not look whether the server has closed a connection, and the next command fails.
    """
    with contextlib.suppress(RedisError, OSError):
        await client.connection_pool.disconnect(inuse_connections=False)


async def close_client(client: aioredis.Redis) -> None:
    """Close the client's connections, and those to the sentinels that gave it the address."""
    for one in (client, *_sentinels(client.connection_pool)):
        # A connection that cannot be closed in order is gone as well.
        with contextlib.suppress(RedisError, OSError):
            await _close_redis(one)


def server_name(host: Host) -> str:
    """Return what to call the server in a log line: without user and password."""
    if "address" in host:
        scheme, separator, rest = str(host["address"]).partition("://")
        return scheme + separator + rest.rpartition("@")[2].partition("?")[0]
    if host.get("master_name") is not None:
        return f"sentinel master {host['master_name']}"
    return f"{host.get('host', host.get('path', 'localhost'))}:{host.get('port', 6379)}"
