"""A room of async and of sync consumers, for wrappers around all that they use."""

import json
from typing import Any

from asgiref.sync import async_to_sync
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
from channels.routing import URLRouter
from channels.sessions import SessionMiddlewareStack
from django.urls import path


class Room(AsyncWebsocketConsumer):
    groups = ["room"]

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        command, _, text = (text_data or "").partition(":")
        event = {"type": "room.message", "text": text}
        if command == "all":
            await self.channel_layer.group_send("room", event)
        elif command == "me":
            await self.channel_layer.send(self.channel_name, event)
        else:
            await self.channel_layer.group_discard("room", self.channel_name)
            await self.send(text_data="left")

    async def room_message(self, event: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps({"text": event["text"]}))


class SyncRoom(WebsocketConsumer):
    groups = ["room"]

    def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        event = {"type": "room.message", "text": text_data}
        async_to_sync(self.channel_layer.send)(self.channel_name, event)

    def room_message(self, event: dict[str, Any]) -> None:
        self.send(text_data=json.dumps({"text": event["text"]}))


application = SessionMiddlewareStack(
    URLRouter([path("a", Room.as_asgi()), path("s", SyncRoom.as_asgi())])
)
