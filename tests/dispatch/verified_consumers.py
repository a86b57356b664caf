"""Consumers whose shared and own runs seem to differ, or do, for `--verify-shared`."""

import asyncio
from typing import Any

from .consumers import Room


class Ticking(Room):
    """A task sends beside the handlers, in every turn of the loop, until it has said the last."""

    async def connect(self) -> None:
        await self.accept()
        self.is_over = False

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if text_data == "begin":
            self.task = asyncio.create_task(self.tick())
        else:
            self.is_over = True

    async def tick(self) -> None:
        while not self.is_over:
            await self.send(text_data="tick")
            await asyncio.sleep(0)
        await self.send(text_data="over")

    async def room_message(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])


class Plain(Room):
    async def room_message(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])


class Shouting:
    """A middleware, whose `send` has an attribute that asgiref's wrappers have."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def shout(message: dict[str, Any]) -> None:
            if "text" in message:
                message = {**message, "text": message["text"].upper()}
            await send(message)

        shout.awaitable = send  # type: ignore[attr-defined]
        await self.application(scope, receive, shout)
