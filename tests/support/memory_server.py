"""A server in a process of its own, so that its memory can be measured from outside.

`python -m support.memory_server` prints its port, and ends when its standard input does.
"""

import asyncio
import sys

from support.apps import Receive, Scope, Send, respond
from support.server import LiveServer

BLOCK = bytes(65536)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Swallow an upload, or send as many blocks as the query says."""
    if scope["type"] == "websocket":
        return await (deaf(receive, send) if scope["path"] == "/deaf" else flood(receive, send))
    if scope["method"] == "GET":
        await send({"type": "http.response.start", "status": 200})
        for _ in range(int(scope["query_string"] or b"0")):
            await send({"type": "http.response.body", "body": BLOCK, "more_body": True})
        return await send({"type": "http.response.body"})
    total, more = 0, True
    while more:
        message = await receive()
        total += len(message.get("body", b""))
        more = message.get("more_body", False)
    await respond(send, str(total).encode())


async def deaf(receive: Receive, send: Send) -> None:
    """Accept a WebSocket and receive nothing from it."""
    await receive()
    await send({"type": "websocket.accept"})
    await asyncio.Event().wait()


async def flood(receive: Receive, send: Send) -> None:
    """Send to a WebSocket without end."""
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        await send({"type": "websocket.send", "bytes": BLOCK[:16384]})


def main() -> None:
    """Serve until standard input ends."""
    asyncio.set_event_loop(None)
    server = LiveServer(application)
    print(server.address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
