"""Consumers that enter rooms, for the tests of presence; `?who=` is the person."""

from typing import Any
from urllib.parse import parse_qs

from asgiref.sync import async_to_sync
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer

from casgi.channels import Presence

presence = Presence()
"""New for each test."""


def person(scope: dict[str, Any]) -> str:
    return parse_qs(scope["query_string"].decode())["who"][0]


class Room(AsyncWebsocketConsumer):
    """Enters the rooms of its path; texts are commands: raise, leave, go, rename NAME."""

    async def connect(self) -> None:
        self.rooms = self.scope["path"].strip("/").split("+")
        for room in self.rooms:
            await presence.enter(self, room, person(self.scope), {"from": "page"})
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        command, _, name = (text_data or "").partition(" ")
        if command == "raise":
            raise ValueError("on purpose")
        if command == "rename":
            await presence.enter(self, self.rooms[0], name)
        if command in ("leave", "go"):
            await presence.leave(self, self.rooms[0], at_once=command == "go")
        await self.send(text_data=command)


KEPT: list[Any] = []
"""Consumers that are not freed: only their connection's end is left to tell that they are gone."""


class Raising(Room):
    async def connect(self) -> None:
        KEPT.append(self)
        await super().connect()

    async def disconnect(self, code: int) -> None:
        raise ValueError("in disconnect")


class Rejecting(Room):
    async def connect(self) -> None:
        await presence.enter(self, "room", person(self.scope))
        await self.close()


class SyncRoom(WebsocketConsumer):
    def connect(self) -> None:
        async_to_sync(presence.enter)(self, "room", person(self.scope))
        self.accept()

    def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        self.send(text_data=",".join(map(str, presence.here("room"))))


class Announced(AsyncWebsocketConsumer):
    """Tells its client who comes and goes."""

    groups = ["room"]

    async def connect(self) -> None:
        await self.accept()
        await presence.enter(self, "room", person(self.scope), {"from": "page"})

    async def presence_joined(self, event: dict[str, Any]) -> None:
        await self.send(text_data=f"joined {event['who']} from {event['info']['from']}")

    async def presence_left(self, event: dict[str, Any]) -> None:
        await self.send(text_data=f"left {event['who']}")


class Polite(Room):
    """Leaves by itself, as other servers need it."""

    async def disconnect(self, code: int) -> None:
        for room in self.rooms:
            await presence.leave(self, room)


class Greeting(Announced):
    """Sends to the room once it has entered."""

    async def connect(self) -> None:
        await super().connect()
        await self.channel_layer.group_send("room", {"type": "room.greeting"})

    async def room_greeting(self, event: dict[str, Any]) -> None:
        await self.send(text_data="hello")
