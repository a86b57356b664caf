"""Django Channels on casgi: layers, and handlers that run once for a whole group.

`CHANNEL_LAYERS` may name the layers here; where it names the originals, casgi puts these in
their place while it serves. Each is imported when it is first used: they need Channels, or
channels_redis.
"""

from typing import TYPE_CHECKING

from casgi.channels.sharing.declaring import shared
from casgi.lazy import lazy_names

if TYPE_CHECKING:
    from casgi.channels.hosts.layer import RedisHubChannelLayer
    from casgi.channels.identity.api import disconnect, identify
    from casgi.channels.layer import ChannelLayer
    from casgi.channels.presence import Presence
    from casgi.channels.publishing import on_commit, publish
    from casgi.channels.redis.core import RedisChannelLayer
    from casgi.channels.redis.pubsub import RedisPubSubChannelLayer

__all__ = [
    "ChannelLayer",
    "Presence",
    "RedisChannelLayer",
    "RedisHubChannelLayer",
    "RedisPubSubChannelLayer",
    "disconnect",
    "identify",
    "on_commit",
    "publish",
    "shared",
]

__getattr__ = lazy_names(
    __name__,
    {
        "ChannelLayer": "casgi.channels.layer",
        "Presence": "casgi.channels.presence",
        "RedisChannelLayer": "casgi.channels.redis.core",
        "RedisHubChannelLayer": "casgi.channels.hosts.layer",
        "RedisPubSubChannelLayer": "casgi.channels.redis.pubsub",
        "disconnect": "casgi.channels.identity.api",
        "identify": "casgi.channels.identity.api",
        "on_commit": "casgi.channels.publishing",
        "publish": "casgi.channels.publishing",
    },
)
