"""Django Channels on casgi: layers, and handlers that run once for a whole group.

`CHANNEL_LAYERS` may name the layers here; where it names the originals, casgi puts these in
their place while it serves. Each is imported when it is first used: they need Channels, or
channels_redis.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from casgi.channels.declaring import shared

if TYPE_CHECKING:
    from casgi.channels.layer import ChannelLayer
    from casgi.channels.presence import Presence
    from casgi.channels.redis_core import RedisChannelLayer
    from casgi.channels.redis_pubsub import RedisPubSubChannelLayer

__all__ = ["ChannelLayer", "Presence", "RedisChannelLayer", "RedisPubSubChannelLayer", "shared"]

_MODULES = {
    "ChannelLayer": "layer",
    "Presence": "presence",
    "RedisChannelLayer": "redis_core",
    "RedisPubSubChannelLayer": "redis_pubsub",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
