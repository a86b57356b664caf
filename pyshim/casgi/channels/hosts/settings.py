"""What says which links are one: the same hub, prefix, servers and partitions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from casgi.channels.hub.names import channel_key, process_topic

# No name of a channel or process may be these.
_OUTGOING = "*outgoing*"
_GAP = "*gap*"
_LINK = "*link*"


@dataclass(frozen=True)
class LinkSettings:
    """One layer's.

    Attributes:
        hub_path: where the hub of this host is.
        prefix: of the layer.
        hosts: the servers of Redis, as channels_redis takes them.
        is_cluster: whether they are nodes of a Redis Cluster.
        partitions: into how many the topics are divided.

    """

    hub_path: str
    prefix: str
    hosts: Any
    is_cluster: bool
    partitions: int

    @property
    def key(self) -> tuple[str, str]:
        """What there is one link of."""
        return self.hub_path, self.prefix

    @property
    def lease_path(self) -> str:
        """Where the file is that says which process is the link."""
        digest = hashlib.sha256(self.prefix.encode()).hexdigest()[:12]
        return f"{self.hub_path}.link-{digest}"


def outgoing_key(prefix: str, partition: int) -> bytes:
    """Return the hub's channel with what is to be sent of a partition."""
    return channel_key(prefix, f"{_OUTGOING}{partition}")


def gap_topic(prefix: str) -> bytes:
    """Return the topic by which a host's processes hear that messages may have been lost."""
    return process_topic(prefix, _GAP)


def link_topic(prefix: str) -> bytes:
    """Return the topic that the host's link has announced once it is connected."""
    return process_topic(prefix, _LINK)
