"""Sends to the members of groups through Redis, as channels_redis.core does.

One round trip finds the members of all groups on a server, and one more, where there are any
elsewhere, puts one message for each process into its key.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from casgi.channels.redis.membership import blocks_key
from casgi.channels.redis.scripts import MEMBERS

logger = logging.getLogger("casgi.channels")

# KEYS: one for each process. ARGV: a message for each, a capacity for each, and then the time, the
# expiry in seconds, and the time before which messages have expired.
_PUT = """
local count = #KEYS
local refused = 0
for i, key in ipairs(KEYS) do
    redis.call('ZREMRANGEBYSCORE', key, 0, ARGV[2 * count + 3])
    if redis.call('ZCARD', key) < tonumber(ARGV[count + i]) then
        redis.call('ZADD', key, ARGV[2 * count + 1], ARGV[i])
        redis.call('EXPIRE', key, ARGV[2 * count + 2])
    else
        refused = refused + 1
    end
end
return refused
"""


class Members(NamedTuple):
    """Whom a message to one group is for.

    Attributes:
        group: its name.
        addresses: of blocks of consumers, see blocks.py.
        broken: what the channels of processes begin with whose blocks are not as they say.
        channels: all members that are in no block, or in one of those.

    """

    group: str
    addresses: list[str]
    broken: list[str]
    channels: list[str]


async def find_members(layer: Any, groups: Iterable[str]) -> list[Members]:
    """Return the members of each group, those left out whose membership has expired."""
    by_server = defaultdict(list)
    for group in groups:
        by_server[layer.consistent_hash(group)].append(group)
    members = []
    for index, here in by_server.items():
        pipeline = layer.connection(index).pipeline(transaction=False)
        expired = int(time.time()) - layer.group_expiry
        for group in here:
            keys = layer._group_key(group), blocks_key(layer, group)
            pipeline.eval(MEMBERS, 2, *keys, expired)
        for group, lists in zip(here, await pipeline.execute(), strict=True):
            members.append(Members(group, *([name.decode() for name in one] for one in lists)))
    return members


async def put_for(
    layer: Any, members: Iterable[tuple[str, list[str]]], message: dict[str, Any]
) -> None:
    """Put the message into Redis for the channels and addresses of each group."""
    pipelines: dict[int, Any] = {}
    sent: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for group, names in members:
        by_server, messages, capacities = layer._map_channel_keys_to_connection(names, message)
        for index, keys in by_server.items():
            if index not in pipelines:
                pipelines[index] = layer.connection(index).pipeline(transaction=False)
            arguments = [messages[key] for key in keys] + [capacities[key] for key in keys]
            now, expiry = time.time(), int(layer.expiry)
            arguments += [now, expiry, int(now) - expiry]
            pipelines[index].eval(_PUT, len(keys), *keys, *arguments)
            sent[index].append((group, len(names)))
    for index, pipeline in pipelines.items():
        for (group, count), refused in zip(sent[index], await pipeline.execute(), strict=True):
            if refused:
                logger.info("%s of %s channels over capacity in group %s", refused, count, group)
