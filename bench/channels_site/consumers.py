"""The consumers under measurement: the tutorial's chat, one with a part of its own, and an echo."""

import json
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer


class ChatConsumer(AsyncWebsocketConsumer):
    """The chat as Channels' tutorial has it: every member is sent the same."""

    async def connect(self) -> None:
        self.room_name = self.scope["url_route"]["kwargs"]["room_name"]
        self.room_group_name = f"chat_{self.room_name}"
        await self.channel_layer.group_add(self.room_group_name, self.channel_name)
        await self.accept()

    async def disconnect(self, close_code: int) -> None:
        await self.channel_layer.group_discard(self.room_group_name, self.channel_name)

    async def receive(self, text_data: str) -> None:
        message = json.loads(text_data)["message"]
        await self.channel_layer.group_send(
            self.room_group_name, {"type": "chat.message", "message": message}
        )

    async def chat_message(self, event: dict[str, Any]) -> None:
        message = event["message"]
        await self.send(text_data=json.dumps({"message": message}))


class SignedChatConsumer(ChatConsumer):
    """The same, but each member is sent the end of its own channel's name too."""

    async def chat_message(self, event: dict[str, Any]) -> None:
        message = event["message"]
        await self.send(
            text_data=json.dumps({"message": message, "member": self.channel_name[-4:]})
        )


class EchoConsumer(AsyncWebsocketConsumer):
    """Sends every text message back; without messages, a consumer that does nothing."""

    async def receive(self, text_data: str) -> None:
        await self.send(text_data=text_data)


class SyncEchoConsumer(WebsocketConsumer):
    """Sends every text message back, by code that runs in a thread."""

    def receive(self, text_data: str) -> None:
        self.send(text_data=text_data)
