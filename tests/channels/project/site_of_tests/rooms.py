"""Consumers that meet in groups."""

from asgiref.sync import async_to_sync
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer

from site_of_tests.journal import note


class Room(AsyncWebsocketConsumer):
    """The tutorial's chat room."""

    async def connect(self):
        self.group = "room_" + self.scope["url_route"]["kwargs"]["name"]
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.group, self.channel_name)
        note(self.scope, "left", code)

    async def receive(self, text_data=None, bytes_data=None):
        await self.channel_layer.group_send(self.group, {"type": "chat.said", "text": text_data})

    async def chat_said(self, event):
        await self.send(text_data=event["text"])


class SyncRoom(WebsocketConsumer):
    """The same in threads, in the same groups."""

    def connect(self):
        self.group = "room_" + self.scope["url_route"]["kwargs"]["name"]
        async_to_sync(self.channel_layer.group_add)(self.group, self.channel_name)
        self.accept()

    def disconnect(self, code):
        async_to_sync(self.channel_layer.group_discard)(self.group, self.channel_name)
        note(self.scope, "left", code)

    def receive(self, text_data=None, bytes_data=None):
        event = {"type": "chat.said", "text": text_data}
        async_to_sync(self.channel_layer.group_send)(self.group, event)

    def chat_said(self, event):
        self.send(text_data=event["text"])


class Lobby(AsyncWebsocketConsumer):
    """A group that Channels itself joins and leaves."""

    groups = ["lobby"]

    async def receive(self, text_data=None, bytes_data=None):
        event = {"type": "lobby.kick" if text_data == "kick" else "lobby.text", "text": text_data}
        await self.channel_layer.group_send("lobby", event)

    async def lobby_text(self, event):
        await self.send(text_data=event["text"])

    async def lobby_kick(self, event):
        await self.close(code=4100)

    async def disconnect(self, code):
        note(self.scope, "left", code)
