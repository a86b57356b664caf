"""One-to-one chat: one group for each user, whatever number of browsers it has open."""

import json
from typing import Any

from django.contrib.auth.models import User

from direct.models import DirectMessage
from project.consumers import MessageConsumer
from project.messages import InvalidMessage, clean_id, clean_text


def group_name(user_id: int) -> str:
    """Return the group of all WebSockets of one user."""
    return f"direct.{user_id}"


class DirectConsumer(MessageConsumer):
    """One logged-in user's WebSocket, for its conversations with everybody.

    Who writes is never read from a message: it is the user of the session.
    """

    group: str | None = None

    async def connect(self) -> None:
        """Turn away who is not logged in."""
        self.user = self.scope["user"]
        if not self.user.is_authenticated:
            await self.close()
            return
        self.group = group_name(self.user.id)
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        """Leave the group."""
        if self.group is not None:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def on_message(self, message: dict[str, Any]) -> None:
        """Send a message, or the history of a conversation."""
        match message.get("type"):
            case "message":
                await self.deliver(await self.find_user(message.get("to")), message.get("text"))
            case "history":
                await self.send_history(
                    await self.find_user(message.get("with")), clean_id(message.get("after"))
                )
            case _:
                raise InvalidMessage("The message has no known type.")

    async def find_user(self, name: object) -> User:
        """Return the other person of a conversation."""
        user = await User.objects.filter(username=clean_text(name), is_active=True).afirst()
        if user is None:
            raise InvalidMessage("There is no such user.")
        return user

    async def deliver(self, recipient: User, text: object) -> None:
        """Keep a message, and give it to both people and nobody else."""
        kept = await DirectMessage.objects.acreate(
            sender=self.user, recipient=recipient, text=clean_text(text)
        )
        event = {"type": "direct.message", "text": json.dumps(kept.as_dict())}
        for user_id in {self.user.id, recipient.id}:
            await self.channel_layer.group_send(group_name(user_id), event)

    async def send_history(self, other: User, after: int) -> None:
        """Send what the user and the other person wrote to each other."""
        messages = DirectMessage.objects.between(self.user.id, other.id).newest(after)
        newest = [message.as_dict() async for message in messages]
        await self.send(
            json.dumps({"type": "history", "with": other.get_username(), "messages": newest[::-1]})
        )

    async def direct_message(self, event: dict[str, Any]) -> None:
        """Pass a message of the user's group on to the client."""
        await self.send(text_data=event["text"])
