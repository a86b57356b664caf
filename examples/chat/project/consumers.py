"""What the consumers of all chats have in common."""

import json
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer

from project.messages import InvalidMessage, parse_message


class MessageConsumer(AsyncWebsocketConsumer):
    """Hands each valid message to `on_message`, and answers the others with an error message."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Answer one message of the client."""
        try:
            await self.on_message(parse_message(text_data))
        except InvalidMessage as error:
            await self.send(json.dumps({"type": "error", "text": str(error)}))

    async def on_message(self, message: dict[str, Any]) -> None:
        """Do what a message asks for, or raise InvalidMessage."""
        raise NotImplementedError


class UnknownAddressConsumer(AsyncWebsocketConsumer):
    """Turns away WebSockets that no other route wants; without it Channels raises an exception."""

    async def connect(self) -> None:
        """Close before accepting, which the client sees as status 403."""
        await self.close()
