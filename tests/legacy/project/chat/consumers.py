"""The chat, with a sync consumer and with an async one, in the double-callable form."""

import json

from asgiref.sync import async_to_sync
from channels.generic.websocket import AsyncJsonWebsocketConsumer, WebsocketConsumer


class Chat(WebsocketConsumer):
    """Says to the room what a member says, with the name of the user."""

    def connect(self):
        self.room = self.scope["url_route"]["kwargs"]["room"]
        async_to_sync(self.channel_layer.group_add)(self.room, self.channel_name)
        self.accept()

    def receive(self, text_data=None, bytes_data=None):
        event = {"type": "chat.message", "user": str(self.scope["user"]), "text": text_data}
        async_to_sync(self.channel_layer.group_send)(self.room, event)

    def chat_message(self, event):
        self.send(text_data=json.dumps({"user": event["user"], "text": event["text"]}))

    def disconnect(self, code):
        async_to_sync(self.channel_layer.group_discard)(self.room, self.channel_name)
        event = {"type": "chat.message", "user": "", "text": f"left with {code}"}
        async_to_sync(self.channel_layer.group_send)(self.room, event)


class AsyncChat(AsyncJsonWebsocketConsumer):
    """The same for the members that speak JSON."""

    async def connect(self):
        self.room = self.scope["url_route"]["kwargs"]["room"]
        await self.channel_layer.group_add(self.room, self.channel_name)
        await self.accept()

    async def receive_json(self, content):
        event = {"type": "chat.message", "user": str(self.scope["user"]), "text": content["text"]}
        await self.channel_layer.group_send(self.room, event)

    async def chat_message(self, event):
        if event["text"] == "fail":
            raise ValueError("as it was asked to")
        await self.send_json({"user": event["user"], "text": event["text"]})

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.room, self.channel_name)
        event = {"type": "chat.message", "user": "", "text": f"left with {code}"}
        await self.channel_layer.group_send(self.room, event)
