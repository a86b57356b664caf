"""Live comments that fly over a show: one group of all viewers, thousands of them.

What a comment costs is paid once where it can be: the consumer of its author checks and encodes it.
What is left for each viewer is one send of ready text. Nothing is kept in the database, and nobody
is told who comes and goes: with n viewers that would be n messages for each.
"""

import json
import time
from typing import Any

from project.consumers import MessageConsumer
from project.messages import InvalidMessage, clean_text

GROUP = "live"
COMMENT_LENGTH = 60
COLORS = ("white", "yellow", "orange", "pink", "green", "blue")
BURST = 5
SECONDS_PER_COMMENT = 1.0


class Allowance:
    """How many comments a viewer may still send: a few at once, then one a second."""

    def __init__(self) -> None:
        """Start with a whole burst."""
        self.full_at = time.monotonic()

    def take(self) -> bool:
        """Use one comment up; False when there is none left."""
        now = time.monotonic()
        full_at = max(self.full_at, now) + SECONDS_PER_COMMENT
        if full_at - now > BURST * SECONDS_PER_COMMENT:
            return False
        self.full_at = full_at
        return True


class LiveConsumer(MessageConsumer):
    """One viewer's WebSocket."""

    async def connect(self) -> None:
        """Join the viewers."""
        self.allowance = Allowance()
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        """Leave the viewers."""
        await self.channel_layer.group_discard(GROUP, self.channel_name)

    async def on_message(self, message: dict[str, Any]) -> None:
        """Let a comment fly on every screen."""
        text = clean_text(message.get("text"), COMMENT_LENGTH).replace("\n", " ")
        color = message.get("color")
        if color not in COLORS:
            raise InvalidMessage("There is no such colour.")
        if not self.allowance.take():
            raise InvalidMessage("Too fast: wait a moment before the next comment.")
        comment = json.dumps({"type": "comment", "text": text, "color": color})
        await self.channel_layer.group_send(GROUP, {"type": "live.comment", "text": comment})

    async def live_comment(self, event: dict[str, Any]) -> None:
        """Pass a comment on to the viewer."""
        await self.send(text_data=event["text"])
