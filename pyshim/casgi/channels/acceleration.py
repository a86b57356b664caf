"""Putting our dispatch and layers in the place of Channels', and taking them away.

This is the whole seam: one function and known layer classes. docs/channels.md describes it.
"""

import asyncio
import importlib
import logging
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from casgi.channels.database import DatabaseConnections
from casgi.channels.releases import TESTED_CHANNELS_REDIS, is_tested, version_of

if TYPE_CHECKING:
    from casgi.channels.dispatch import Dispatcher

logger = logging.getLogger("casgi.channels")

# The class that a layer is made of, by what stands in its place.
_IN_MEMORY = ("channels.layers", "InMemoryChannelLayer", "casgi.channels.layer", "ChannelLayer")
_REDIS = (
    (
        "channels_redis.core",
        "RedisChannelLayer",
        "casgi.channels.redis.core",
        "RedisChannelLayer",
    ),
    (
        "channels_redis.pubsub",
        "RedisPubSubChannelLayer",
        "casgi.channels.redis.pubsub",
        "RedisPubSubChannelLayer",
    ),
)


class Acceleration:
    """Our parts in the place of Channels', while at least one server of the process wants them."""

    def __init__(self) -> None:
        self._users = 0
        self._databases = DatabaseConnections()
        self._dispatcher: Dispatcher | None = None
        self._make_backend: Any = None

    def begin(self, loop: asyncio.AbstractEventLoop, *, verify: bool = False) -> str:
        """Put ours in place. Returns the sentence for the log; end() is then due."""
        self._users += 1
        if self._users == 1:
            self._install(loop, verify)
        layers = ", ".join(self._adopt_layers())
        sharing = "handlers are verified, not shared" if verify else "handlers are shared"
        version = version_of("channels")
        return f"Channels {version} accelerated: {sharing}; layers: {layers or 'none'}"

    def end(self) -> None:
        """Take ours away when nobody uses them any more; layers stay what they are."""
        self._users -= 1
        if self._users == 0:
            self._uninstall()

    def _install(self, loop: asyncio.AbstractEventLoop, verify: bool) -> None:
        import channels.consumer
        from channels.layers import channel_layers

        # Here, since it needs what an untested Channels may not have.
        from casgi.channels.dispatch import Dispatcher

        original = channels.consumer.await_many_dispatch
        self._databases.start(loop)
        self._dispatcher = Dispatcher(original, self._databases, verify=verify)
        channels.consumer.await_many_dispatch = self._dispatcher
        self._make_backend = channel_layers._make_backend
        channel_layers._make_backend = self._make_adopted

    def _uninstall(self) -> None:
        import channels.consumer
        from channels.layers import channel_layers

        assert self._dispatcher is not None
        if channels.consumer.await_many_dispatch is self._dispatcher:
            channels.consumer.await_many_dispatch = self._dispatcher.original
        del channel_layers._make_backend
        self._databases.stop()
        self._dispatcher = None

    def _make_adopted(self, name: str, config: dict[str, Any]) -> Any:
        layer = self._make_backend(name, config)
        _adopt(layer)
        return layer

    def _adopt_layers(self) -> Iterator[str]:
        """Make all configured layers ours; those of other classes stay what they are."""
        from channels.layers import channel_layers

        for alias in channel_layers.configs:
            try:
                layer = channel_layers[alias]
            except Exception as error:  # whoever uses it meets the same
                yield f"{alias} cannot be made ({error})"
                continue
            _adopt(layer)
            yield f"{alias} is {type(layer).__module__}.{type(layer).__qualname__}"


acceleration = Acceleration()


def _adopt(layer: Any) -> None:
    """Make a layer that is exactly of a known class ours, in place: others may refer to it."""
    redis = _REDIS if is_tested(version_of("channels_redis"), TESTED_CHANNELS_REDIS) else ()
    for module, name, our_module, our_name in (_IN_MEMORY, *redis):
        original = getattr(sys.modules.get(module), name, None)
        if type(layer) is original:
            layer.__class__ = getattr(importlib.import_module(our_module), our_name)
            layer._adopt()
            return
