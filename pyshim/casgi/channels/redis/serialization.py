"""What a message is after it has been to Redis and back, for those that do not go there."""

from __future__ import annotations

from typing import Any

from channels_redis.serializers import BaseMessageSerializer

_WHOLE = ("serialize", "deserialize")


def as_received(serializer: Any, message: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of the message as a receiver in another process would get it.

    Raises what serialising it raises. The encryption of channels_redis is left out, which changes
    nothing; a serializer that has methods of its own for the whole is asked as Redis' messages are.
    """
    if _only_encrypts(serializer):
        copy: dict[str, Any] = serializer.from_bytes(serializer.as_bytes(message))
    else:
        copy = serializer.deserialize(serializer.serialize(message))
    return copy


def _only_encrypts(serializer: Any) -> bool:
    """Whether the whole is done as channels_redis does it, which as_bytes is the rest of."""
    kind, own = type(serializer), getattr(serializer, "__dict__", ())
    return all(
        getattr(kind, name, None) is vars(BaseMessageSerializer)[name] and name not in own
        for name in _WHOLE
    )
