"""Consumers that use what the accelerated dispatch must not take for granted."""

from types import MethodType
from typing import Any

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from channels.generic.http import AsyncHttpConsumer

from casgi.channels import ChannelLayer

from .consumers import JOURNAL, Room


class WatchedDispatch(Room):
    """Its dispatch is this instance's own."""

    def __init__(self) -> None:
        super().__init__()
        self.dispatch = MethodType(_watched, self)  # type: ignore[method-assign]


async def _watched(consumer: Room, message: dict[str, Any]) -> None:
    JOURNAL.append(message["type"])
    await Room.dispatch(consumer, message)


class Asking(AsyncConsumer):
    """Receives the answer to what it asks from its own channel, inside of a handler."""

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        await self.channel_layer.group_add("room", self.channel_name)
        await self.send({"type": "websocket.accept"})

    async def room_message(self, event: dict[str, Any]) -> None:
        await self.send({"type": "websocket.send", "text": "asked"})
        answer = await self.channel_layer.receive(self.channel_name)
        await self.send({"type": "websocket.send", "text": answer["text"]})

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        raise StopConsumer()


class Marking(ChannelLayer):
    """A layer of an application, which has its own receive()."""

    async def receive(self, channel: str) -> dict[str, Any]:
        message = await super().receive(channel)
        return {**message, "text": f"marked {message['text']}"}


class NamedAlike(Room):
    """All consumers of it have one channel."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        layer = self.channel_layer_of()
        plain = layer.new_channel
        layer.new_channel = _one_name
        try:
            await super().__call__(scope, receive, send)
        finally:
            layer.new_channel = plain

    def channel_layer_of(self) -> Any:
        from channels.layers import get_channel_layer

        return get_channel_layer(self.channel_layer_alias)


async def _one_name(prefix: str = "specific.") -> str:
    return "specific.one"


class Other(Room):
    channel_layer_alias = "other"


class Polling(AsyncHttpConsumer):
    """Answers a request with the next message of the group."""

    async def handle(self, body: bytes) -> None:
        await self.channel_layer.group_add("room", self.channel_name)

    async def http_request(self, message: dict[str, Any]) -> None:
        self.body = [message.get("body", b"")]
        await self.handle(b"")

    async def room_message(self, event: dict[str, Any]) -> None:
        await self.send_response(200, event["text"].encode())
        await self.disconnect()
        raise StopConsumer()


class Silenced(Room):
    """Its base_send is replaced after it has connected."""

    async def connect(self) -> None:
        await self.accept()
        plain = self.base_send

        async def count(message: dict[str, Any]) -> None:
            JOURNAL.append(message["type"])
            await plain(message)

        self.base_send = count


class Lingering(Room):
    """Does not end with its WebSocket, and sends to who is not there."""

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        await self.send(text_data="late")
        await self.channel_layer.group_add("late", self.channel_name)
        JOURNAL.append(await self.channel_layer.group_channels("late"))


class Stepping(Room):
    """Works in steps: after each it sends itself the next, so that others get their turn."""

    MOST_STEPS = 100_000

    async def room_message(self, event: dict[str, Any]) -> None:
        JOURNAL.clear()
        await self.step({})

    async def step(self, event: dict[str, Any]) -> None:
        ended = JOURNAL[-1:] == ["end"]
        if not ended:
            JOURNAL.append("step")
        if not ended and len(JOURNAL) < self.MOST_STEPS:
            await self.channel_layer.send(self.channel_name, {"type": "step"})

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        JOURNAL.append("end")
        await self.send(text_data=str(len(JOURNAL) < self.MOST_STEPS))


class SteppingByOwnDispatch(Stepping):
    async def dispatch(self, message: dict[str, Any]) -> None:
        await super().dispatch(message)


class Conversing(Room):
    """Waits inside of a handler for what its client says next."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.send(text_data="asked")
        answer = await self.scope["receive"]()
        await self.send(text_data=answer["text"])


class Rewriting(Room):
    """Its base_send is a property, with a setter."""

    @property
    def base_send(self) -> Any:
        async def counted(message: dict[str, Any]) -> None:
            JOURNAL.append(message["type"])
            await self._plain(message)

        return counted

    @base_send.setter
    def base_send(self, send: Any) -> None:
        self._plain = send


class Slotted(Room):
    """What Channels sets on it is in slots."""

    __slots__ = ("base_send", "channel_layer", "channel_name", "channel_receive", "scope")


class Storing(Room):
    """Keeps what Channels sets on it elsewhere."""

    NAMES = frozenset({"base_send", "channel_layer", "channel_name", "channel_receive", "scope"})

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.NAMES:
            JOURNAL.append(f"set {name}")
            name = f"own_{name}"
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        if name in self.NAMES:
            return getattr(self, f"own_{name}")
        raise AttributeError(name)


class Watching(Room):
    """Notes each attribute that is read."""

    def __getattribute__(self, name: str) -> Any:
        JOURNAL.append(name)
        return super().__getattribute__(name)
