"""A room in which everybody hears what somebody says, and which process it is."""

from __future__ import annotations

import os
from typing import Any

import django

django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402


class Room(AsyncWebsocketConsumer):  # type: ignore[misc]
    groups = ["room"]

    async def connect(self) -> None:
        await self.accept()
        await self.send(text_data=f"process {os.getpid()}")

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.channel_layer.group_send("room", {"type": "said", "text": text_data})

    async def said(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])

    async def layer_gap(self, event: dict[str, Any]) -> None:
        await self.send(text_data="gap")


application = Room.as_asgi()
