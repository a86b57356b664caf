"""One room, whose members hear who has said which number, and can be made to talk themselves."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

import django

django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from crowd_senders import PADDING  # noqa: E402

from casgi.hub import HubUnavailable  # noqa: E402


class Member(AsyncWebsocketConsumer):  # type: ignore[misc]
    """A text that it gets is the name under which it talks, until it is told to end."""

    async def connect(self) -> None:
        self.talking: asyncio.Task[None] | None = None
        self.is_slow = self.scope["path"] == "/slow"
        await self.channel_layer.group_add("room", self.channel_name)
        await self.accept()
        await self.send(text_data=f"process {os.getpid()}")

    async def disconnect(self, code: int) -> None:
        if self.talking is not None:
            self.talking.cancel()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if text_data == "end":
            assert self.talking is not None
            self.talking.cancel()
        else:
            self.talking = asyncio.create_task(self._talk(str(text_data)))

    async def _talk(self, name: str) -> None:
        number = 0
        while True:
            message = {"type": "said", "sender": name, "number": number, "padding": PADDING}
            try:
                await self.channel_layer.group_send("room", message)
            except HubUnavailable:
                name = f"{name}'"  # some of those before may have been lost
                number = -1
            number += 1
            await asyncio.sleep(0)

    async def said(self, event: dict[str, Any]) -> None:
        if self.is_slow:
            time.sleep(0.0005)  # noqa: ASYNC251  it holds its worker up
        await self.send(text_data=f"{event['sender']} {event['number']}")

    async def layer_gap(self, event: dict[str, Any]) -> None:
        await self.send(text_data="gap")


application = Member.as_asgi()
