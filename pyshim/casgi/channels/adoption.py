"""Which layers become casgi's, and why another one stays what it is.

A layer is made one of casgi's in place, since others may refer to it already. That is done with a
layer that is exactly of a known class, whose functions are all what their files define, and on
which no attribute hides a method: otherwise somebody wants to be called.
"""

import importlib
import sys
from dataclasses import dataclass
from typing import Any

from casgi.channels.part import Part
from casgi.channels.releases import (
    LAYERS,
    TESTED_CHANNELS_REDIS,
    is_tested,
    version_of,
)
from casgi.origin import fingerprint

_REDIS_UTILS = ("_wrap_close", "_close_redis", "decode_hosts", "create_pool")


@dataclass(frozen=True)
class _Known:
    """A layer class that there is a counterpart of.

    Attributes:
        module, name: where the class is.
        ours: the module of the class that takes its place.
        relied_on: what the counterpart does in another way.

    """

    module: str
    name: str
    ours: str
    counterpart: str
    relied_on: Part


KNOWN = (
    _Known(
        "channels.layers",
        "InMemoryChannelLayer",
        "casgi.channels.layer",
        "ChannelLayer",
        Part({"channels.layers": ("BaseChannelLayer", "InMemoryChannelLayer")}),
    ),
    _Known(
        "channels_redis.core",
        "RedisChannelLayer",
        "casgi.channels.redis.core",
        "RedisChannelLayer",
        Part(
            {
                "channels.layers": ("BaseChannelLayer",),
                "channels_redis.core": (
                    *["RedisChannelLayer", "RedisLoopLayer", "ChannelLock", "BoundedQueue"],
                ),
                "channels_redis.serializers": (
                    *["BaseMessageSerializer.serialize", "BaseMessageSerializer.deserialize"],
                ),
                "channels_redis.utils": _REDIS_UTILS,
            }
        ),
    ),
    _Known(
        "channels_redis.pubsub",
        "RedisPubSubChannelLayer",
        "casgi.channels.redis.pubsub",
        "RedisPubSubChannelLayer",
        Part(
            {
                "channels_redis.pubsub": (
                    *["RedisPubSubChannelLayer", "RedisPubSubLoopLayer"],
                    "RedisSingleShardConnection",
                ),
                "channels_redis.utils": _REDIS_UTILS,
            }
        ),
    ),
)


def adopt(layer: Any) -> str | None:
    """Make a layer casgi's if it can be; return why it cannot, None for one of another class.

    Of one that is casgi's already, why it does what Channels' own does.
    """
    ours = sys.modules.get("casgi.channels.layer")
    if ours is not None and isinstance(layer, ours.ChannelLayer):
        return None if layer.is_as_read() else "a method that its others call was replaced"
    kind = type(layer)
    for known in KNOWN:
        module = sys.modules.get(known.module)
        is_of_file = (kind.__module__, kind.__qualname__) == (known.module, known.name)
        if module is None or not (is_of_file or kind is vars(module).get(known.name)):
            continue
        reason = _reason_against(layer, known)
        if reason is None:
            layer.__class__ = getattr(importlib.import_module(known.ours), known.counterpart)
            layer._adopt()
        return reason
    return None


def _reason_against(layer: Any, known: _Known) -> str | None:
    if known.module == "channels.layers":
        if fingerprint(known.module) not in LAYERS:
            return f"{known.module} is not the code that was tested"
    elif not is_tested(version_of("channels_redis"), TESTED_CHANNELS_REDIS):
        return f"channels_redis {version_of('channels_redis')} was not tested"
    return known.relied_on.change() or _hidden_method(layer)


def _hidden_method(layer: Any) -> str | None:
    """Return which attribute of a layer hides one of its class, as for a log line."""
    for owner in type(layer).__mro__:
        for name in vars(layer):
            if name in vars(owner):
                return f"it has a {name} of its own"
    return None
