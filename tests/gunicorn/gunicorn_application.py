"""What Gunicorn serves in the tests: the process that answers, and an echo."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

if file := os.environ.get("SITE_WAITS_FOR"):
    print(f"importing {os.getpid()}", flush=True)
    while not Path(file).exists():
        time.sleep(0.01)


async def application(scope: Any, receive: Any, send: Any) -> None:
    match scope["type"]:
        case "lifespan":
            await _live(receive, send)
        case "websocket":
            await _echo(receive, send)
        case "http":
            if scope["path"] == "/slow":
                await asyncio.sleep(1.0)
            if scope["path"] == "/stuck":
                time.sleep(600)  # noqa: ASYNC251
            parts = [os.getpid(), scope["scheme"], scope["client"], scope["root_path"]]
            body = "|".join(map(str, parts)).encode()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": body})


async def _live(receive: Any, send: Any) -> None:
    await receive()
    if os.environ.get("SITE_FAILS"):
        await send({"type": "lifespan.startup.failed", "message": "no database"})
        return
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def _echo(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": f"{os.getpid()} {event['text']}"})
