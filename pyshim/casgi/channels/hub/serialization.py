"""Messages as bytes: msgpack, as channels_redis writes them, so that values arrive as there."""

from typing import Any

try:
    import msgpack
except ImportError as error:
    raise ImportError("A channel layer on the hub needs msgpack: pip install msgpack") from error


def pack(message: Any) -> bytes:
    """Return the bytes of a message. Raise TypeError for what is not of the types of msgpack."""
    packed: bytes = msgpack.packb(message)
    return packed


def unpack(payload: bytes) -> Any:
    """Return the message as a receiver gets it: tuples are lists.

    A key may be of any type of msgpack: it is too late to tell the sender otherwise.
    """
    return msgpack.unpackb(payload, strict_map_key=False)
