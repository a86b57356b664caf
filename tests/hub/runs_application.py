"""A room whose handlers run once for all members, and count in how many of its processes they do.

Started twice at one hub, with OWN in the environment: what each process has for itself.
"""

from __future__ import annotations

import json
import os
from typing import Any

import django

django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter  # noqa: E402

from casgi.channels import shared  # noqa: E402
from casgi.channels.sharing import plan  # noqa: E402

OWN = os.environ["OWN"]
greeting = "hello"
counts: dict[str, int] = {}
_execute = plan.execute


def _counted(proof: Any, owner: type, message: dict[str, Any]) -> Any:
    counts[message["type"]] = counts.get(message["type"], 0) + 1
    return _execute(proof, owner, message)


plan.execute = _counted


def own() -> str:
    """Return what this process has for itself, in a way that is no constant."""
    return os.environ["OWN"]


class Room(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One room. A text is a command; events are handled as they are called."""

    async def connect(self) -> None:
        await self.channel_layer.group_add("room", self.channel_name)
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        command, _, text = (text_data or "").partition(" ")
        if command == "say":
            kind, _, text = text.partition(" ")
            message = {"type": kind, "text": text, "sender": self.channel_name}
            await self.channel_layer.group_send("room", message)
        else:
            await self.send(text_data=str(getattr(self, "do_" + command)(text)))

    def do_count(self, kind: str) -> int:
        return counts.get(kind, 0)

    def do_greet(self, text: str) -> str:
        globals()["greeting"] = text
        return text

    def do_shout(self, text: str) -> str:
        """Send otherwise from now on, as no other consumer of the class does."""
        send = self.send

        async def shout(text_data: str) -> None:
            await send(text_data=text_data.upper() + "!")

        self.send = shout
        return text

    async def plain(self, event: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps({"text": event["text"]}))

    async def signed(self, event: dict[str, Any]) -> None:
        await self.send(text_data=OWN + ": " + event["text"])

    async def greeted(self, event: dict[str, Any]) -> None:
        await self.send(text_data=greeting + " " + event["text"])

    async def thrice(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"] + " one")
        await self.send(bytes_data=b"two\xff")
        await self.send(text_data="drei \N{GREEK SMALL LETTER GAMMA}")

    async def silent(self, event: dict[str, Any]) -> None:
        if event["text"] == "speak":
            await self.send(text_data="spoken")

    async def others(self, event: dict[str, Any]) -> None:
        if self.channel_name == event["sender"]:
            await self.send(text_data="I said " + event["text"])
        else:
            await self.send(text_data="they said " + event["text"])

    @shared
    async def promised(self, event: dict[str, Any]) -> None:
        await self.send(text_data=own() + ": " + event["text"])


class Cellar(Room):
    """Another class of the same members, with a word of its own."""

    async def plain(self, event: dict[str, Any]) -> None:
        await self.send(text_data="below: " + event["text"])


async def websocket(scope: Any, receive: Any, send: Any) -> None:
    """Route without a router of Channels' own."""
    consumer = Cellar if scope["path"] == "/cellar" else Room
    await consumer.as_asgi()(scope, receive, send)


application = ProtocolTypeRouter({"websocket": websocket})
