"""The project as ASGI: Django for HTTP, an echo for WebSockets."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pages.settings")

from django.core.asgi import get_asgi_application

pages = get_asgi_application()


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "websocket":
        await pages(scope, receive, send)
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": event["text"]})
