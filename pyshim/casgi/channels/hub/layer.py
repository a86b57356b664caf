"""The channel layer on the hub: what ChannelLayer is when there is one.

Channels that this process has made are its own: their messages, and their places in groups, are in
`local`, as in memory. Those of other processes are reached through their owners. Any other channel
is the hub's: its messages wait there until some process receives them.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from typing import Any

from channels.exceptions import ChannelFull

from casgi.channels.hub.names import (
    channel_key,
    group_topic,
    name_in,
    new_channel,
    new_token,
    owner_of,
    process_topic,
)
from casgi.channels.hub.plain_calls import PlainCalls
from casgi.channels.hub.serialization import pack, unpack
from casgi.channels.hub.strangers import Strangers
from casgi.channels.layer import ChannelLayer
from casgi.hub.connection import CHANNEL_FULL, HUB_FULL, connection_to
from casgi.hub.errors import HubUnavailable
from casgi.hub.upgrades import excused_by_upgrades, over_upgrades

logger = logging.getLogger("casgi.channels")

_MOST = 2**32 - 1
# Bytes of a message; handlers make at least as many.
_MOST_HERE_FIRST = 32 * 1024


class HubChannelLayer(ChannelLayer):
    """`ChannelLayer` for all processes of the host that use the same hub, project and prefix."""

    reaches_other_hosts = False

    def _adopt(self) -> None:
        super()._adopt()
        self.gaps = 0
        """How often messages may have been lost on their way from or to the hub."""
        self.hub = connection_to(self.hub_path)
        self._token = new_token()
        self._strangers = Strangers(self)
        self._readers: Counter[str] = Counter()
        self._prefix: str | None = None
        self.local.notify_emptying(self._emptied)

    def is_as_read(self) -> bool:
        """Return True: nothing here is the original's."""
        return True

    @property
    def prefix(self) -> str:
        """What keeps this layer's names apart: the option, or the layer's alias in the settings."""
        if self._prefix is None:
            self._prefix = self.given_prefix or _alias_of(self)
            self.hub.enter(self._prefix, self)
        return self._prefix

    @property
    def sync(self) -> PlainCalls:
        """The methods as plain calls, for code without an event loop."""
        return PlainCalls(self)

    # Channels

    async def new_channel(self, prefix: str = "specific.") -> str:
        """Return the name of a new channel of this process."""
        await self._listen()
        return new_channel(prefix, self._token)

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        """Send to one channel. Raise ChannelFull, but for channels of other processes."""
        act = self.sending(channel, message)
        if act is not None:
            self.check_sent(channel, await self._do(act))

    async def receive(self, channel: str) -> dict[str, Any]:
        """Wait for the next message that arrives on a channel."""
        self.require_valid_channel_name(channel)
        if owner_of(channel) == self._token or self.local.is_bound(channel):
            return await self.local.get(channel)
        message = self.local.take(channel)
        return message if message is not None else await self._receive_from_hub(channel)

    async def _receive_from_hub(self, channel: str) -> dict[str, Any]:
        key = channel_key(self.prefix, channel)
        self.hub.ask(key)
        self.hub.read_always()
        self._readers[channel] += 1
        try:
            return await self.local.get(channel)
        finally:
            self._readers[channel] -= 1
            if self.hub.asked(key) > self._readers[channel]:
                self.hub.abandon(key)

    def sending(self, channel: str, message: dict[str, Any]) -> Any:
        """Send to a channel of this process, or return what to ask of the hub."""
        assert isinstance(message, dict), "message is not a dict"
        self.require_valid_channel_name(channel)
        assert "__asgi_channel__" not in message
        payload = pack(message)
        owner = owner_of(channel)
        if owner == self._token or (owner is None and self.local.is_bound(channel)):
            self.local.put(channel, unpack(payload))
            return None
        for sibling in self.siblings():
            if owner == sibling._token:
                sibling.put(channel, unpack(payload))
                return None
        if owner is not None:
            text = pack(["send", channel, payload])
            return self.publishing(process_topic(self.prefix, owner), text)
        key, capacity = channel_key(self.prefix, channel), self._capacity_of(channel)
        lifetime = _bounded(self.expiry * 1000)
        return lambda client: client.send(key, payload, capacity, lifetime)

    def check_sent(self, channel: str, failure: int) -> None:
        """Raise what a failure to send, or to join, means."""
        if failure == CHANNEL_FULL:
            raise ChannelFull(channel)
        if failure == HUB_FULL:
            raise HubUnavailable(self.hub.path, "it is full: too much waits for receivers")

    def _capacity_of(self, channel: str) -> int:
        capacity = self.get_capacity(channel)
        return _bounded(capacity) if capacity > 0 else _MOST

    # Groups

    async def group_add(self, group: str, channel: str) -> None:
        """Add a channel to a group: whoever sends to that, wherever, reaches it from now on."""
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        owner = owner_of(channel)
        if owner is not None and owner != self._token:
            await self._strangers.ask(owner, "add", group, channel)
        elif owner is None and not self.local.is_bound(channel):
            self.check_sent(channel, await self._do(self.joining(group, channel)))
        elif self.local.add(group, channel) is not None:
            await self._announce(group, channel)

    async def _announce(self, group: str, channel: str) -> None:
        try:
            await over_upgrades(self.hub.path, lambda: self.hub.answer(self.announce(group)))
        except HubUnavailable:
            self.local.discard(group, channel)
            raise

    def announce(self, group: str) -> int:
        """Have the group's messages come here; return after which answer of the hub they do."""
        return self._announce_topic(group_topic(self.prefix, group))

    def _announce_topic(self, topic: bytes) -> int:
        number = self.hub.announce(topic)
        self.hub.read_always()
        return number

    def joining(self, group: str, channel: str) -> Any:
        """Return what makes a channel of the hub a member."""
        topic, key = group_topic(self.prefix, group), channel_key(self.prefix, channel)
        capacity, lifetime = self._capacity_of(channel), _bounded(self.expiry * 1000)
        stay = _bounded(self.group_expiry * 1000)
        return lambda client: client.join(topic, key, capacity, lifetime, stay)

    async def group_discard(self, group: str, channel: str) -> None:
        """Take a channel out of a group; nothing when it is not in."""
        self.require_valid_channel_name(channel)
        self.require_valid_group_name(group)
        owner = owner_of(channel)
        if owner is not None and owner != self._token:
            await self._strangers.ask(owner, "discard", group, channel)
        elif owner is None and not self.local.is_bound(channel):
            topic, key = group_topic(self.prefix, group), channel_key(self.prefix, channel)
            await self._do(lambda client: client.leave(topic, key))
        elif self.local.discard(group, channel):
            self._emptied(group)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Send to all channels of a group, wherever they are; those that are full do not get it."""
        payload = on_host = self.packed(group, message)
        topic, events = group_topic(self.prefix, group), 0
        here_first = self._may_go_here_first(group, payload)
        if here_first:  # so that handlers of others need not do what is done here
            events, on_host = self.local.publish(group, unpack(payload), payload)
        act = self.publishing(topic, payload, on_host=on_host)
        try:
            number = self.hub.request(act)
        except HubUnavailable:
            number = None
        if number is None:
            number = await self._submit(act)
        if not here_first and self.local.size(group) > 0:
            events = await self.local.deliver(group, unpack(payload))
        for sibling in self.siblings():
            events += sibling.take(topic, payload)
        if not self.hub.is_trusted(number):
            with excused_by_upgrades(self.hub.path):
                await self.hub.answer(number)
        await self._let_others(events)

    def _may_go_here_first(self, group: str, payload: bytes) -> bool:
        """Whether members here can have it before the hub, which will certainly take it."""
        return (
            len(payload) < _MOST_HERE_FIRST
            and self.local.size(group) > 0
            and self.local.is_home()
            and self.hub.has_credit()
        )

    async def group_send_many(self, groups: Iterable[str], message: dict[str, Any]) -> None:
        """Send a message to several groups; who is in more than one gets it more than once."""
        names = list(groups)
        for group in names:
            self.packed(group, message)
        for group in names:
            await self.group_send(group, message)

    def packed(self, group: str, message: dict[str, Any]) -> bytes:
        """Return the bytes of a message to a group, both being valid."""
        assert isinstance(message, dict), "Message is not a dict"
        self.require_valid_group_name(group)
        return pack(message)

    async def flush(self) -> None:
        """Drop the messages and memberships of this process, and the messages in the hub."""
        for group in self.local.groups():
            self.hub.withdraw(group_topic(self.prefix, group))
        self.local.flush()
        beginning = channel_key(self.prefix, "")
        await self._do(lambda client: client.flush(beginning))

    async def close(self) -> None:
        """Do nothing: the connection is the process's, and ends with it."""

    close_pools = close
    """What code that is written for channels_redis calls at the end of an `asyncio.run()`."""

    def publishing(
        self,
        topic: bytes,
        payload: bytes,
        wants_receiver: bool = False,
        on_host: bytes | None = None,
    ) -> Any:
        """Return what publishes to all other processes that have announced the topic.

        Those of this host get `on_host` instead, if it is given.
        """
        text = on_host or payload
        return lambda client: client.publish(topic, text, wants_receiver)

    async def _do(self, act: Any) -> int:
        return await self.hub.answer(await self._submit(act))

    async def _submit(self, act: Any) -> int:
        return await over_upgrades(self.hub.path, lambda: self.hub.submit(act))

    async def _listen(self) -> None:
        """Be reachable for the other processes, by what is sent to channels of this one."""
        topic = process_topic(self.prefix, self._token)
        await over_upgrades(self.hub.path, lambda: self.hub.answer(self._announce_topic(topic)))

    def siblings(self) -> list[HubChannelLayer]:
        """Return the other layers of this process with the same prefix."""
        others: list[Any] = self.hub.others_of(self.prefix, self)
        return others

    def _emptied(self, group: str) -> None:
        if all(layer.local.size(group) == 0 for layer in self.siblings()):
            self.hub.withdraw(group_topic(self.prefix, group))

    # What the hub brings

    def take(self, topic: bytes, payload: bytes) -> int:
        """Take a message to a group, or what another process wants of a channel of this one."""
        name = name_in(topic)
        try:
            if topic.startswith(b"p"):
                return self._strangers.take(unpack(payload))
            if self.local.size(name) == 0:
                self._emptied(name)  # memberships that have expired
                return 0
            return self.local.take_packed(name, payload, unpack)
        except Exception:
            logger.exception("A message of the hub cannot be read")
            return 0

    def take_message(self, channel: bytes, payload: bytes) -> int:
        """Take a message of a channel that somebody here waits for."""
        try:
            self.local.put(name_in(channel), unpack(payload), beyond_capacity=True)
        except Exception:
            logger.exception("A message of the hub cannot be read")
        return 1

    def waits_for(self, channel: bytes) -> bool:
        """Whether somebody here receives from a channel of the hub."""
        return self._readers[name_in(channel)] > 0

    def put(self, channel: str, message: dict[str, Any]) -> None:
        """Put what another process has sent into a channel of this one."""
        try:
            self.local.put(channel, message)
        except ChannelFull:
            logger.info("Channel %s is full: it misses a message", channel)

    def report_gap(self) -> None:
        """Notice that messages may have been lost."""
        self.gaps += 1
        self.local.report_gap()

    def leave_to_parent(self) -> None:
        """In a forked child: own channels and groups are the parent's."""
        self._token = new_token()
        self._readers.clear()
        self.local.flush()


def _bounded(number: float) -> int:
    return min(max(int(number), 0), _MOST)


def _alias_of(layer: object) -> str:
    from channels.layers import channel_layers

    for alias, known in channel_layers.backends.items():
        if known is layer:
            return str(alias)
    return "default"
