"""Rooms of consumers of both kinds, and a view, as they are written for Channels 3 and 4 alike."""

from __future__ import annotations

from typing import Any

import django
from asgiref.sync import async_to_sync

django.setup()

from channels.generic.websocket import AsyncJsonWebsocketConsumer, WebsocketConsumer  # noqa: E402
from channels.layers import get_channel_layer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402


class AsyncRoom(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    async def connect(self) -> None:
        await self.channel_layer.group_add("room", self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard("room", self.channel_name)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        await self.channel_layer.group_send("room", {"type": "said", "content": content})

    async def said(self, event: dict[str, Any]) -> None:
        await self.send_json(event["content"])


class SyncRoom(WebsocketConsumer):  # type: ignore[misc]
    groups = ["room"]

    def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        message = {"type": "said", "content": {"sync": text_data}}
        async_to_sync(self.channel_layer.group_send)("room", message)

    def said(self, event: dict[str, Any]) -> None:
        self.send(text_data=repr(event["content"]))


def tell(request: Any) -> HttpResponse:
    """Send from a sync view."""
    message = {"type": "said", "content": {"view": "told"}}
    async_to_sync(get_channel_layer().group_send)("room", message)
    return HttpResponse("told")


urlpatterns = [path("tell/", tell)]
application = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": URLRouter(
            [path("async/", AsyncRoom.as_asgi()), path("sync/", SyncRoom.as_asgi())]
        ),
    }
)
