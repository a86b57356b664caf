"""What the links of the hosts say to each other through Redis, and where.

A message begins with the host that it is from (HOST_BYTES), its place among those of this host in
its partition (STAMP_BYTES), and its kind (one byte). Every topic of the hubs belongs to one of a
fixed number of partitions, each a channel of Redis.
"""

from __future__ import annotations

import zlib

HOST_BYTES = 16
STAMP_BYTES = 12
MESSAGE = b"m"
"""Followed by the length of a topic (two bytes), the topic, and what is published to it."""
GAP = b"g"
"""Messages of this host may have been lost on their way to the others."""
LINKED = b"l"
"""Not through Redis, but from a link to its own host: it is connected, and nothing was missed by
those who have waited for that."""
MARK = b"x"
"""Followed by the name of a link: from here on it passes on what arrives, another no more."""


def head(host: bytes, epoch: int, number: int) -> bytes:
    """Return what begins a message: stamps of a later link, or a greater number, are greater."""
    return host + epoch.to_bytes(4) + number.to_bytes(8)


def split(text: bytes) -> tuple[bytes, bytes, bytes]:
    """Return host, stamp, and what follows these."""
    end = HOST_BYTES + STAMP_BYTES
    return text[:HOST_BYTES], text[HOST_BYTES:end], text[end:]


def message(topic: bytes, payload: bytes) -> bytes:
    """Return a message of the hubs, its kind included."""
    return MESSAGE + len(topic).to_bytes(2, "little") + topic + payload


def read_message(text: bytes) -> tuple[bytes, bytes]:
    """Return topic and payload of what message() has made."""
    end = 3 + int.from_bytes(text[1:3], "little")
    return text[3:end], text[end:]


def partition_of(topic: bytes, count: int) -> int:
    """Return the partition of a topic: the same on all hosts."""
    return zlib.crc32(topic) % count


def redis_channel(project: bytes, prefix: str, number: int, count: int) -> bytes:
    """Return a partition's channel in Redis, which hosts with another count do not have."""
    return b"casgi:%b:%b:%d/%d" % (project, prefix.encode(), number, count)
