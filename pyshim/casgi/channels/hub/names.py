"""How the hub's topics and channels are called, and whose a channel of the layer is.

A topic begins with `g` (a group) or `p` (a process, for what concerns its own channels), a channel
with `c`; then the layer's prefix, a zero byte, and the name. A channel that a process has made has
that process's token before its `!`.
"""

import re
import uuid

_OF_PROCESS = re.compile(r"\.casgi-([0-9a-f]{12})!")


def new_token() -> str:
    """Return what no other process is called."""
    return uuid.uuid4().hex[:12]


def new_channel(prefix: str, token: str) -> str:
    """Return the name of a channel that nobody has."""
    return f"{prefix}.casgi-{token}!{uuid.uuid4().hex}"


def owner_of(channel: str) -> str | None:
    """Return the token of the process whose channel it is; None when it is anybody's."""
    match = _OF_PROCESS.search(channel)
    return None if match is None else match.group(1)


def group_topic(prefix: str, group: str) -> bytes:
    """Return the topic of a group."""
    return f"g{prefix}\0{group}".encode()


def process_topic(prefix: str, token: str) -> bytes:
    """Return the topic of a process."""
    return f"p{prefix}\0{token}".encode()


def channel_key(prefix: str, channel: str) -> bytes:
    """Return what a channel of the layer is called in the hub."""
    return f"c{prefix}\0{channel}".encode()


def name_in(key: bytes) -> str:
    """Return the name in a topic or channel of the hub."""
    return key.partition(b"\0")[2].decode()
