"""What the tests of `casgi ctl` serve."""

import asyncio
import time


async def application(scope, receive, send):
    """Wait at /wait, hold the loop up at /block and the GIL at /hold; else answer."""
    if scope["type"] == "websocket":
        await serve_websocket(scope, receive, send)
    elif scope["type"] == "http":
        await serve_request(scope, receive, send)
    else:
        raise ValueError(scope["type"])


async def serve_websocket(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.group.add", "group": f"room{scope['path']}"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": event["text"]})


async def serve_request(scope, receive, send):
    if scope["path"] == "/wait":
        await asyncio.Event().wait()
    if scope["path"] == "/block":
        time.sleep(1000)  # noqa: ASYNC251  The fault is what is looked at.
    if scope["path"] == "/hold":
        sum(range(10**12))
    if scope["path"] == "/flood":
        await send({"type": "http.response.start", "status": 200})
        while True:
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    )
    await send({"type": "http.response.body", "body": b"ok"})
