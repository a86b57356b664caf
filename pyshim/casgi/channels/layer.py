"""The embedded channel layer: channels and groups of one process, as InMemoryChannelLayer's."""

import asyncio
import uuid
from collections.abc import Iterable, Mapping
from types import FunctionType
from typing import Any

from channels.layers import BaseChannelLayer, InMemoryChannelLayer

from casgi import _core
from casgi.channels.local import LocalChannels
from casgi.channels.views import Channels, Groups
from casgi.hub.project import hub_path
from casgi.origin import Watch, method_names, places_read_by

# Messages to groups that one task may send before others get their turn. It bounds what waits for
# a socket that is not slow, but has not been written to yet.
_BURST = 8


_FUNCTIONS = [
    (owner, name)
    for owner in (InMemoryChannelLayer, BaseChannelLayer)
    for name, value in vars(owner).items()
    if isinstance(value, FunctionType)
]
_READ = dict.fromkeys(read for place in _FUNCTIONS for read in places_read_by(place))
_ORIGINAL = Watch([*_FUNCTIONS, *_READ])
# What programs call themselves; what is left of the original's methods, these call.
_ENTRIES = frozenset(
    {"receive", "new_channel", "group_add", "group_discard", "group_send", "flush"}
)
_WITHIN = frozenset(method_names(InMemoryChannelLayer)) - _ENTRIES


class ChannelLayer(InMemoryChannelLayer):  # type: ignore[misc]
    """Channels and groups in the memory of one process.

    Takes the options of `channels.layers.InMemoryChannelLayer` and does as that does; besides, it
    is safe to use in any thread, and memberships end when their WebSocket closes. Its
    `extensions` are groups and flush.
    """

    channel_capacity: Any
    # Where the hub is, and what keeps the names of this layer apart there; of HubChannelLayer.
    hub_path = ""
    given_prefix: str | None = None

    def __new__(cls, *args: Any, hub: str | None = None, **options: Any) -> "ChannelLayer":
        """Make a layer on the hub where there is one."""
        if cls is ChannelLayer and (hub if hub is not None else hub_path()):
            cls = layer_class_on_hub()
        layer: ChannelLayer = super().__new__(cls)
        return layer

    def __init__(
        self,
        expiry: float = 60,
        group_expiry: float = 86400,
        capacity: int = 100,
        channel_capacity: dict[Any, int] | None = None,
        *,
        hub: str | None = None,
        prefix: str | None = None,
        **options: Any,
    ) -> None:
        """Make an empty layer.

        Args:
            expiry: seconds that a message waits for its consumer.
            group_expiry: seconds that a membership lasts.
            capacity: messages that wait in one channel; more raise ChannelFull.
            channel_capacity: capacities of channels by glob or compiled pattern.
            hub: the path of the hub by which the layer reaches the other processes of the host;
                by default what CASGI_HUB says; "" for none.
            prefix: keeps layers at one hub apart; by default the layer's alias in the settings.
            options: those of BaseChannelLayer.

        """
        # Not the original's own, which makes two dicts of what is a property here.
        BaseChannelLayer.__init__(
            self, expiry=expiry, capacity=capacity, channel_capacity=channel_capacity, **options
        )
        self.group_expiry = group_expiry
        self.hub_path = (hub if hub is not None else hub_path()) or ""
        self.given_prefix = prefix
        self._adopt()

    def _adopt(self) -> None:
        """Set up what an InMemoryChannelLayer has not, and take over what waits in it."""
        if "hub_path" not in self.__dict__ and (path := hub_path()):
            self.hub_path = path
            self.__class__ = layer_class_on_hub()
            self._adopt()
            return
        if isinstance(self.channel_capacity, dict):
            # The original does not compile the patterns, and fails at the first message.
            self.channel_capacity = self.compile_capacities(self.channel_capacity)
        self.local = LocalChannels(
            capacity=self.get_capacity, expiry=self.expiry, group_expiry=self.group_expiry
        )
        self._groups = Groups(self.local)
        self._burst = 0
        before = self.__dict__
        for name, queue in before.pop("channels", {}).items():
            while not queue.empty():
                self.local.put(name, queue.get_nowait()[1])
        for group, members in before.pop("groups", {}).items():
            for name in members:
                self.local.add(group, name)

    @property
    def channels(self) -> Channels:
        """The channels in which messages wait, or that somebody reads, as the original's dict."""
        return Channels(self.local)

    @channels.setter
    def channels(self, channels: Mapping[str, Any]) -> None:
        for name in list(self.channels):
            del self.channels[name]
        for name, queue in channels.items():
            while not queue.empty():
                self.local.put(name, queue.get_nowait()[1])

    @property
    def groups(self) -> Groups:
        """The members of each group, and when they joined, as the original's dict."""
        return self._groups

    @groups.setter
    def groups(self, groups: Mapping[str, Mapping[str, float]]) -> None:
        for group in {*self.local.groups(), *groups}:
            self.groups[group] = groups.get(group, {})

    def is_as_read(self) -> bool:
        """Whether the original's functions are what they were: else they are called, as they are.

        So they are when a method that they call was put on this layer, or in the place of ours:
        their own text works here, too, by the dicts that this layer seems to have.
        """
        return (
            _ORIGINAL.holds()
            and type(self).send is _send
            and self.__dict__.keys().isdisjoint(_WITHIN)
        )

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        """Send a message to one channel. Raise ChannelFull."""
        if not self.is_as_read():
            await super().send(channel, message)
            return
        assert isinstance(message, dict), "message is not a dict"
        self.require_valid_channel_name(channel)
        assert "__asgi_channel__" not in message
        self.local.put(channel, _core.copy_message(message))

    async def receive(self, channel: str) -> dict[str, Any]:
        """Wait for the first message that arrives on a channel."""
        if not self.is_as_read():
            return dict(await super().receive(channel))
        self.require_valid_channel_name(channel)
        return await self.local.get(channel)

    async def new_channel(self, prefix: str = "specific.") -> str:
        """Return the name of a channel that nobody has."""
        if not self.is_as_read():
            given = () if prefix == "specific." else (prefix,)
            return str(await super().new_channel(*given))
        return f"{prefix}.inmemory!{uuid.uuid4().hex}"

    async def group_add(self, group: str, channel: str) -> None:
        """Add a channel to a group, until it leaves or its WebSocket closes."""
        if not self.is_as_read():
            await super().group_add(group, channel)
            return
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        self.local.add(group, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        """Take a channel out of a group; nothing when it is not in."""
        if not self.is_as_read():
            await super().group_discard(group, channel)
            return
        self.require_valid_channel_name(channel)
        self.require_valid_group_name(group)
        self.local.discard(group, channel)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Send a message to all channels of a group; those that are full do not get it."""
        if not self.is_as_read():
            await super().group_send(group, message)
            return
        assert isinstance(message, dict), "Message is not a dict"
        self.require_valid_group_name(group)
        await self._let_others(await self.local.deliver(group, message))

    async def group_send_many(self, groups: Iterable[str], message: dict[str, Any]) -> None:
        """Send a message to several groups; who is in more than one gets it more than once."""
        assert isinstance(message, dict), "Message is not a dict"
        names = list(groups)
        for group in names:
            self.require_valid_group_name(group)
        for group in names:
            if self.is_as_read():
                await self._let_others(await self.local.deliver(group, message))
            else:
                await self.group_send(group, message)

    async def group_channels(self, group: str) -> list[str]:
        """Return the channels that are in a group, in the order of their joining."""
        self.require_valid_group_name(group)
        return self.local.channels(group)

    async def flush(self) -> None:
        """Drop all messages and memberships."""
        if not self.is_as_read():
            await super().flush()
            return
        self.local.flush()

    async def _let_others(self, events: int) -> None:
        """Give the members their turn before the task goes on to send, as the original does."""
        self._burst += 1
        if events > 0 or self._burst >= _BURST:
            self._burst = 0
            await asyncio.sleep(0)


_send = ChannelLayer.send


def layer_class_on_hub() -> type[ChannelLayer]:
    """Return the class of the layers on a hub, which is imported only where there is one."""
    from casgi.channels.hub.layer import HubChannelLayer

    return HubChannelLayer
