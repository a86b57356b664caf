"""Consumers under test. In a module of their own: pytest rewrites the source of test modules."""

import asyncio
import json
from contextvars import ContextVar
from typing import Any, ClassVar

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
    WebsocketConsumer,
)

from casgi.channels import shared

JOURNAL: list[Any] = []


class Room(AsyncWebsocketConsumer):
    """All in one room; what a client sends goes to all."""

    groups = ["room"]

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.channel_layer.group_send("room", {"type": "room.message", "text": text_data})

    async def room_message(self, event: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps({"text": event["text"]}))

    async def room_named(self, event: dict[str, Any]) -> None:
        await self.send(text_data=f"{event['text']} for {self.channel_name}")


class JsonRoom(AsyncJsonWebsocketConsumer):
    groups = ["room"]

    async def room_message(self, event: dict[str, Any]) -> None:
        await self.send_json({"text": event["text"]})


class SyncRoom(WebsocketConsumer):
    groups = ["room"]

    def room_message(self, event: dict[str, Any]) -> None:
        self.send(text_data=json.dumps({"text": event["text"]}))

    def room_named(self, event: dict[str, Any]) -> None:
        self.send(text_data=f"{event['text']} for {self.channel_name}")


class SlowRoom(Room):
    """Waits inside of receive() until the gate opens, and sends on both sides of it."""

    gate: asyncio.Event

    async def connect(self) -> None:
        type(self).gate = asyncio.Event()
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.send(text_data=f"before {text_data}")
        await type(self).gate.wait()
        await self.send(text_data=f"after {text_data}")


class Shadowed(Room):
    """Hides a method of its class by an attribute of its own."""

    async def connect(self) -> None:
        await self.accept()
        plain = self.send

        async def send(text_data: str | None = None, **options: Any) -> None:
            await plain(text_data=f"mine: {text_data}", **options)

        if b"shadow" in self.scope["query_string"]:
            self.send = send  # type: ignore[method-assign]


class OwnDispatch(Room):
    async def dispatch(self, message: dict[str, Any]) -> None:
        JOURNAL.append(message["type"])
        await super().dispatch(message)


class Stopping(Room):
    async def room_message(self, event: dict[str, Any]) -> None:
        if event["text"] == "stop":
            raise StopConsumer()
        if event["text"] == "raise":
            raise ValueError("on purpose")
        await self.send(text_data=event["text"])


class NeverLeaving(Room):
    """Whose disconnect() raises before Channels can discard its groups."""

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        raise StopConsumer()


class Declared(Room):
    greeting = "hello "

    @shared
    async def room_message(self, event: dict[str, Any]) -> None:
        await self.send(text_data=greeted(event))


class WronglyDeclared(Room):
    """Its handler reads what is different for each consumer."""

    name = "nobody"

    async def connect(self) -> None:
        self.name = self.scope["query_string"].decode()
        await self.accept()

    @shared
    async def room_message(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"] + " " + self.name)


class Gap(Room):
    async def layer_gap(self, event: dict[str, Any]) -> None:
        await self.send(text_data="gap")


class Bare(AsyncConsumer):
    """No generic consumer: an answer of its own for each event."""

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        await self.channel_layer.group_add("room", self.channel_name)
        await self.send({"type": "websocket.accept"})

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        await self.send({"type": "websocket.send", "text": "client: " + message["text"]})

    async def room_message(self, event: dict[str, Any]) -> None:
        await self.send({"type": "websocket.send", "text": "group: " + event["text"]})

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        JOURNAL.append("disconnect")
        raise StopConsumer()


def greeted(event: dict[str, Any]) -> str:
    return "hello " + str(event["text"])


class Starting(SlowRoom):
    """Whose first handler starts a task that sends."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if text_data == "start":
            await type(self).gate.wait()
            self.task = asyncio.create_task(self.send(text_data="task"))
        else:
            await self.send(text_data="next")


class SlowGap(SlowRoom, Gap):
    """Both."""


LANGUAGE: ContextVar[str] = ContextVar("LANGUAGE", default="en")


class Translated(Room):
    """Its handler depends on what is active in the context of its task."""

    async def connect(self) -> None:
        LANGUAGE.set(self.scope["query_string"].decode())
        await self.accept()

    @shared
    async def room_message(self, event: dict[str, Any]) -> None:
        await self.send(text_data=f"{event['text']} in {LANGUAGE.get()}")


class Refusing(Room):
    """Its handler raises for some, and not for others."""

    is_ready = True

    async def connect(self) -> None:
        self.is_ready = False
        await self.accept()

    @shared
    async def room_message(self, event: dict[str, Any]) -> None:
        if not self.is_ready:
            raise ValueError("on purpose")
        await self.send(text_data=event["text"])


class LastOneOut(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Says in `left` how many are in the room when it disconnects, itself among them."""

    left: ClassVar[list[tuple[int, int, int]]] = []
    heard: ClassVar[list[str]] = []

    async def connect(self) -> None:
        await self.channel_layer.group_add("room", self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        layer = self.channel_layer
        await layer.group_send("room", {"type": "room.named", "text": "bye"})
        await asyncio.sleep(0.01)
        channels = await layer.group_channels("room")
        self.left.append(
            (len(layer.groups["room"]), len(channels), channels.index(self.channel_name))
        )

    async def room_named(self, event: dict[str, Any]) -> None:
        self.heard.append(self.channel_name)
        await self.send(text_data=event["text"])
