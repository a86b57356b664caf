"""The ASGI applications under measurement: the same file for every server, and no framework.

They do as little as the protocol allows, so that what is measured is the server. None supports
lifespan: each fails on that scope, which a server with lifespan "auto" takes as "not supported".
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MEBIBYTE = 1024 * 1024
DOWNLOAD_PIECE = b"d" * 65536
UNREAD_PIECES = 400
UNREAD_PIECE_BYTES = 256 * 1024

HELLO = b"Hello, world!\n"
HELLO_HEADERS = [(b"content-type", b"text/plain"), (b"content-length", b"14")]


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer every request with 14 bytes, without reading its body."""
    if scope["type"] != "http":
        raise ValueError(f"no {scope['type']} here")
    await send({"type": "http.response.start", "status": 200, "headers": HELLO_HEADERS})
    await send({"type": "http.response.body", "body": HELLO})


LARGE = b"Hello, world!\n" * 730
LARGE_HEADERS = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(LARGE))]


async def large_hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer every request with about 10 kilobytes, without reading its body."""
    if scope["type"] != "http":
        raise ValueError(f"no {scope['type']} here")
    await send({"type": "http.response.start", "status": 200, "headers": LARGE_HEADERS})
    await send({"type": "http.response.body", "body": LARGE})


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Send every text message back; answer plain HTTP as :func:`hello`."""
    if scope["type"] != "websocket":
        return await hello(scope, receive, send)
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        await send({"type": "websocket.send", "text": message["text"]})


async def fanout(scope: Scope, receive: Receive, send: Send) -> None:
    """Send every text message to all WebSockets, by casgi's ``websocket.group`` extension."""
    if scope["type"] != "websocket":
        return await hello(scope, receive, send)
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.group.add", "group": "all"})
    await send({"type": "websocket.send", "text": "joined"})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        await send({"type": "websocket.group.send", "group": "all", "text": message["text"]})


async def memory(scope: Scope, receive: Receive, send: Send) -> None:
    """Move much data: /upload, /download/<MiB> and, for clients that never read, /unread."""
    path: str = scope.get("path", "")
    if scope["type"] == "websocket":
        await _unread_websocket(receive, send)
    elif path == "/upload":
        await _upload(receive, send)
    elif path.startswith("/download/"):
        await _download(int(path.rpartition("/")[2]) * MEBIBYTE, send)
    elif path == "/unread":
        await _unread_response(send)
    else:
        await hello(scope, receive, send)


async def _upload(receive: Receive, send: Send) -> None:
    received = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        received += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    body = b"%d" % received
    await _start_response(send, len(body))
    await send({"type": "http.response.body", "body": body})


async def _download(length: int, send: Send) -> None:
    await _start_response(send, length)
    for _ in range(length // len(DOWNLOAD_PIECE)):
        await send({"type": "http.response.body", "body": DOWNLOAD_PIECE, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _unread_response(send: Send) -> None:
    await _start_response(send, UNREAD_PIECES * UNREAD_PIECE_BYTES)
    for _ in range(UNREAD_PIECES):
        await send({"type": "http.response.body", "body": _new_piece(), "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _unread_websocket(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    for _ in range(UNREAD_PIECES):
        await send({"type": "websocket.send", "bytes": _new_piece()})


def _new_piece() -> bytes:
    """Make a piece of its own, so that a server that queues references pays for them too."""
    return b"u" * UNREAD_PIECE_BYTES


async def _start_response(send: Send, length: int) -> None:
    headers = [(b"content-type", b"application/octet-stream"), (b"content-length", b"%d" % length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
