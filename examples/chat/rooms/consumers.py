"""Many-to-many chat: one group for each room."""

import json
from typing import Any
from urllib.parse import parse_qs

from project.consumers import MessageConsumer
from project.messages import InvalidMessage, clean_id, clean_text
from rooms.models import RoomMessage, author_fields
from rooms.names import group_name


class RoomConsumer(MessageConsumer):
    """One person's WebSocket in a room.

    The client says `?name=` for a guest's name, and `?after=` for the last message it has, so that
    after a reconnection it gets what it missed.
    """

    group: str | None = None

    async def connect(self) -> None:
        """Join the group first and read the history second, so that no message falls in between."""
        query = parse_qs(self.scope["query_string"].decode("latin-1"))
        self.room = self.scope["url_route"]["kwargs"]["room"]
        try:
            self.author = author_fields(self.scope["user"], query.get("name", ["Guest"])[0])
        except InvalidMessage:
            await self.close()
            return
        self.group = group_name(self.room)
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()
        await self.send_history(clean_id(query.get("after", ["0"])[0]))
        await self.notify(f"{self.author['author']} joined")

    async def disconnect(self, code: int) -> None:
        """Leave the group, and tell the others."""
        if self.group is not None:
            await self.channel_layer.group_discard(self.group, self.channel_name)
            await self.notify(f"{self.author['author']} left")

    async def on_message(self, message: dict[str, Any]) -> None:
        """Keep a message and give it to everybody in the room."""
        text = clean_text(message.get("text"))
        kept = await RoomMessage.objects.acreate(room=self.room, text=text, **self.author)
        await self.publish(kept.as_dict())

    async def send_history(self, after: int) -> None:
        """Tell the client who it is and what was said before."""
        newest = [
            message.as_dict() async for message in RoomMessage.objects.newest(self.room, after)
        ]
        await self.send(json.dumps({"type": "history", "messages": newest[::-1], **self.author}))

    async def notify(self, text: str) -> None:
        """Publish a line that is not kept."""
        await self.publish({"type": "notice", "text": text})

    async def publish(self, message: dict[str, Any]) -> None:
        """Send to the group, encoded here once instead of once for each member."""
        await self.channel_layer.group_send(
            self.group, {"type": "room.message", "text": json.dumps(message)}
        )

    async def room_message(self, event: dict[str, Any]) -> None:
        """Pass a message of the group on to the client."""
        await self.send(text_data=event["text"])
