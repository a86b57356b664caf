"""Sends to the members of groups that are not in this process, as channels_redis.core does.

One round trip reads the members of all groups on a server, and one more, where there are any
elsewhere, puts one message for each process into its key.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

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


async def send_to_groups(
    layer: Any, groups: Iterable[str], own: set[str], message: dict[str, Any]
) -> set[str]:
    """Send to all members but `own`; return which of `own` Redis does not have as members."""
    members = await _members(layer, groups)
    elsewhere = [(group, [name for name in names if name not in own]) for group, names in members]
    await _put(layer, elsewhere, message)
    return own.difference(*(names for _, names in members))


async def _members(layer: Any, groups: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Return each group with its members, those left out whose membership has expired."""
    by_server = defaultdict(list)
    for group in groups:
        by_server[layer.consistent_hash(group)].append(group)
    members = []
    for index, here in by_server.items():
        pipeline = layer.connection(index).pipeline(transaction=False)
        for group in here:
            key = layer._group_key(group)
            pipeline.zremrangebyscore(key, min=0, max=int(time.time()) - layer.group_expiry)
            pipeline.zrange(key, 0, -1)
        answers = await pipeline.execute()
        for group, names in zip(here, answers[1::2], strict=True):
            members.append((group, [name.decode() for name in names]))
    return members


async def _put(layer: Any, members: list[tuple[str, list[str]]], message: dict[str, Any]) -> None:
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
