"""An application whose consumer uses a database and tells what becomes of its connection."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from types import FrameType
from typing import Any

import channels.db
import django
from asgiref.sync import sync_to_async
from django.conf import settings

settings.configure(
    CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
    DATABASES={"default": json.loads(os.environ["DATABASE"])},
)
django.setup()

from channels.generic.websocket import AsyncJsonWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter  # noqa: E402
from django.db import connections  # noqa: E402

calls: list[None] = []
COUNTED = channels.db.close_old_connections.__code__


def note(frame: FrameType, event: str, _argument: object) -> None:
    """Note a call of what the tests are about, without changing it: casgi would see that."""
    if event == "call" and frame.f_code is COUNTED:
        calls.append(None)


threading.setprofile(note)  # in the threads that will be started


def query() -> Any:
    """Ask the database for something; return the connection."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT 1")
    return connections["default"]


class Connected(AsyncJsonWebsocketConsumer):
    """Does what a message says, and answers."""

    async def receive_json(self, content: str, **_: Any) -> None:
        """Call the method of this name."""
        await self.send_json(await getattr(self, content)())

    async def nothing(self) -> int:
        """Return how many calls there have been."""
        return len(calls)

    async def query(self) -> bool:
        """Use the database; return whether the connection was open before."""
        connection = await sync_to_async(connections.__getitem__)("default")
        was_open = connection.connection is not None
        await sync_to_async(query)()
        return was_open

    async def watch(self) -> float:
        """Return how long after its age the connection is closed, with no message."""
        connection = await sync_to_async(query)()
        while connection.connection is not None:
            await asyncio.sleep(0.01)
        late: float = time.monotonic() - connection.close_at
        return late


application = ProtocolTypeRouter({"websocket": Connected.as_asgi()})
