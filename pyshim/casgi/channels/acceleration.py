"""Putting our dispatch and layers in the place of Channels', and taking them away.

This is the whole seam: one function and known layer classes. docs/channels.md describes it.
"""

import asyncio
import logging
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from casgi.channels.adoption import adopt
from casgi.channels.database import DatabaseConnections
from casgi.channels.releases import version_of
from casgi.channels.seam import Seam

if TYPE_CHECKING:
    from casgi.channels.dispatch import Dispatcher

# Seconds of the start that proofs may take; what is left is proved at its first message.
_PROVING = 2.0

logger = logging.getLogger("casgi.channels")


class Acceleration:
    """Our parts in the place of Channels', while at least one server of the process wants them."""

    def __init__(self) -> None:
        self._users = 0
        self._databases = DatabaseConnections()
        self._dispatcher: Dispatcher | None = None
        self._seam: Seam | None = None
        self._own_make_backend: Any = None  # of this application, on the manager of layers

    def begin(self, loop: asyncio.AbstractEventLoop, *, verify: bool = False) -> str:
        """Put ours in place. Returns the sentence for the log; end() is then due."""
        self._users += 1
        if self._users == 1:
            self._install(loop, verify)
        assert self._seam is not None
        layers = ", ".join(self._adopt_layers())
        _prove_handlers()
        sharing = "handlers are verified, not shared" if verify else "handlers are shared"
        if self._seam.dispatch.change is not None:
            sharing = "handlers run for each consumer"
        version = version_of("channels")
        first = f"Channels {version} accelerated: {sharing}; layers: {layers or 'none'}"
        return "; ".join([first, *self._seam.sentences()])

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
        self._seam = Seam()
        self._databases.start(loop)
        self._dispatcher = Dispatcher(original, self._databases, self._seam, verify=verify)
        channels.consumer.await_many_dispatch = self._dispatcher
        self._own_make_backend = vars(channel_layers).get("_make_backend")
        channel_layers._make_backend = self._make_adopted

    def _uninstall(self) -> None:
        import channels.consumer
        from channels.layers import channel_layers

        assert self._dispatcher is not None
        self._dispatcher.end()
        # What somebody has put around ours in the meantime stays, and calls it.
        if channels.consumer.await_many_dispatch is self._dispatcher:
            channels.consumer.await_many_dispatch = self._dispatcher.original
        if vars(channel_layers).get("_make_backend") == self._make_adopted:
            del channel_layers._make_backend
            if self._own_make_backend is not None:
                channel_layers._make_backend = self._own_make_backend
        self._databases.stop()
        self._dispatcher = self._seam = None

    def _make_adopted(self, name: str, config: dict[str, Any]) -> Any:
        """Make a layer as the manager does, and make it ours while somebody wants that."""
        from channels.layers import channel_layers

        if self._own_make_backend is not None:
            layer = self._own_make_backend(name, config)
        else:
            layer = type(channel_layers)._make_backend(channel_layers, name, config)
        if self._users > 0:
            reason = adopt(layer)
            if reason is not None:
                logger.info("The layer %s stays what it is: %s", name, reason)
        return layer

    def _adopt_layers(self) -> Iterator[str]:
        """Make all configured layers ours; those of other classes stay what they are."""
        from channels.layers import channel_layers
        from django.core.exceptions import ImproperlyConfigured

        try:
            aliases = list(channel_layers.configs)
        except ImproperlyConfigured:  # Channels is imported, and Django has no settings yet.
            return
        for alias in aliases:
            try:
                layer = channel_layers[alias]
            except Exception as error:  # whoever uses it meets the same
                yield f"{alias} cannot be made ({error!r})"
                continue
            reason = adopt(layer)
            title = f"{type(layer).__module__}.{type(layer).__qualname__}"
            yield f"{alias} is {title}" + (f" as it is ({reason})" if reason else "")


acceleration = Acceleration()


def _prove_handlers() -> None:
    """Find out which handlers can be shared while nobody waits; a long list ends at its time."""
    from casgi.channels.sharing.handlers import consumer_classes, reports

    end = time.monotonic() + _PROVING
    for _ in reports(consumer_classes()):
        if time.monotonic() > end:
            return
