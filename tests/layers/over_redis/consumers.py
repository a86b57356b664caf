"""What the server of these tests serves: the tutorial's room, which also says what it knows."""

from __future__ import annotations

import json
import time
from typing import Any

from channels.consumer import AsyncConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from redis import Redis


class Room(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One room. A text is a command; what comes by the layer is sent as it is."""

    async def connect(self) -> None:
        await self.channel_layer.group_add("room", self.channel_name)
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        command, _, text = (text_data or "").partition(" ")
        await getattr(self, "do_" + command)(text)

    async def do_name(self, _: str) -> None:
        await self.send(text_data=self.channel_name)

    async def do_say(self, text: str) -> None:
        await self._try(self.channel_layer.group_send("room", {"type": "said", "text": text}))

    async def do_block(self, _: str) -> None:
        """Keep the loop from all else, between two keys of the test."""
        layer = self.channel_layer
        with Redis.from_url(layer.hosts[0]["address"]) as redis:
            redis.set(f"{layer.prefix}:blocked", 1)
            while not redis.exists(f"{layer.prefix}:go"):
                time.sleep(0.01)  # noqa: ASYNC251

    async def do_tell(self, channel: str) -> None:
        await self._try(self.channel_layer.send(channel, {"type": "said", "text": "psst"}))

    async def do_join(self, group: str) -> None:
        await self._try(self.channel_layer.group_add(group, self.channel_name))
        await self.send(text_data="joined")

    async def do_leave(self, group: str) -> None:
        await self._try(self.channel_layer.group_discard(group, self.channel_name))
        await self.send(text_data="left")

    async def said(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])

    async def message(self, event: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(event, sort_keys=True))

    async def layer_gap(self, event: dict[str, Any]) -> None:
        await self.send(text_data="gap")

    async def _try(self, work: Any) -> None:
        try:
            await work
        except Exception as error:
            await self.send(text_data=f"failed: {type(error).__name__}")


class Worker(AsyncConsumer):  # type: ignore[misc]
    """What runworker runs: a member of the room without a connection."""

    is_here = False

    async def worker_join(self, event: dict[str, Any]) -> None:
        """Join, and say so; who does not hear it in time asks once more, and is told once."""
        if self.is_here:
            return
        self.is_here = True
        await self.channel_layer.group_add("room", self.channel_name)
        await self._say("the worker is here")

    async def said(self, event: dict[str, Any]) -> None:
        if not event["text"].startswith("the worker"):
            await self._say(f"the worker heard: {event['text']}")

    async def _say(self, text: str) -> None:
        await self.channel_layer.group_send("room", {"type": "said", "text": text})
