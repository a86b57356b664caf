"""What a message is after it has been to Redis and back, for those that do not go there."""

from __future__ import annotations

from typing import Any


def as_received(serializer: Any, message: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of the message as a receiver in another process would get it.

    Raises what serialising it raises. The encryption is left out, which changes nothing.
    """
    if hasattr(serializer, "as_bytes") and hasattr(serializer, "from_bytes"):
        copy: dict[str, Any] = serializer.from_bytes(serializer.as_bytes(message))
    else:
        # A registered serializer may have no more than these two.
        copy = serializer.deserialize(serializer.serialize(message))
    return copy
