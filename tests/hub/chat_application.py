"""The application of the project: one room with people, a worker that listens in it, and plain
WebSockets in groups without Channels.
"""

from __future__ import annotations

from typing import Any

import django

django.setup()

from channels.consumer import AsyncConsumer  # noqa: E402
from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402


class Room(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One room. A text is a command; what comes by the layer is sent as it is."""

    async def connect(self) -> None:
        await self.channel_layer.group_add("room", self.channel_name)
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        command, _, text = (text_data or "").partition(" ")
        try:
            await getattr(self, "do_" + command)(text)
        except Exception as error:
            await self.send(text_data=f"failed: {error!r}")

    async def do_name(self, _: str) -> None:
        await self.send(text_data=self.channel_name)

    async def do_say(self, text: str) -> None:
        await self.channel_layer.group_send("room", {"type": "said", "text": text})

    async def do_tell(self, channel: str) -> None:
        await self.channel_layer.send(channel, {"type": "said", "text": "psst"})

    async def do_bring(self, channel: str) -> None:
        await self.channel_layer.group_add("cellar", channel)
        await self.channel_layer.group_send("cellar", {"type": "said", "text": "in the cellar"})

    async def do_try(self, text: str) -> None:
        """Say so when it fails."""
        try:
            await self.do_say(text)
        except ConnectionError:
            await self.send(text_data="unavailable")

    async def do_flood(self, _: str) -> None:
        """Send more by plain calls than the hub can have read before the loop turns."""
        for _ in range(64):
            self.channel_layer.sync.group_send("nobody", {"type": "said", "text": "x" * 2**16})

    async def said(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])

    async def layer_gap(self, event: dict[str, Any]) -> None:
        await self.send(text_data="gap")


class Worker(AsyncConsumer):  # type: ignore[misc]
    """What runworker runs: a member of the room without a connection."""

    async def worker_join(self, event: dict[str, Any]) -> None:
        await self.channel_layer.group_add("room", self.channel_name)
        await self._say("the worker is here")

    async def said(self, event: dict[str, Any]) -> None:
        if not event["text"].startswith("the worker"):
            await self._say(f"the worker heard: {event['text']}")

    async def _say(self, text: str) -> None:
        await self.channel_layer.group_send("room", {"type": "said", "text": text})


async def plain(scope: Any, receive: Any, send: Any) -> None:
    """Without Channels: everybody on the path hears what one says."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.group.add", "group": "plain"})
    await send({"type": "websocket.send", "text": "joined"})
    while (event := await receive())["type"] == "websocket.receive":
        message = {"type": "websocket.group.send", "group": "plain", "text": event["text"]}
        try:
            await send(message)
        except RuntimeError as error:
            await send({"type": "websocket.send", "text": str(error)})


application = ProtocolTypeRouter(
    {
        "websocket": URLRouter([path("", Room.as_asgi()), path("plain", plain)]),
        "channel": ChannelNameRouter({"worker": Worker.as_asgi()}),
    }
)
