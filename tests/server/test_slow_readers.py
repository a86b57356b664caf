"""Clients that do not read: what they cost is bounded, and what was sent to them is not cut off."""

import asyncio

from support.apps import Gate, Journal, Message, Receive, Scope, Send, respond
from support.raw import RawClient, request
from support.reports import wait_until
from support.server import Serve
from support.ws import CLOSE, PING, PONG, close_payload, encode_frame

SMALL = 4096
LARGE = 8 * 1024 * 1024


async def large(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with many bytes in one message: the response is over while they wait."""
    await respond(send, b"x" * LARGE, headers=[(b"content-length", str(LARGE).encode())])


def read_slowly(client: RawClient) -> bytes:
    return client.read_response().body


def test_response_outlives_the_keep_alive_timeout(serve: Serve) -> None:
    server = serve(large, keep_alive_timeout=0.1)
    with server.connect(receive_buffer=SMALL) as client:
        client.send(request())
        client.read_until(b"\r\n\r\n")
        finished = server.loop.time
        stop = finished() + 0.6
        wait_until(lambda: finished() > stop, "the clock stands")
        assert len(client.read_exactly(LARGE - len(client.buffer) + len(client.buffer))) == LARGE
        client.assert_closed()


def test_response_outlives_a_late_half_close(serve: Serve) -> None:
    done = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        sending = asyncio.ensure_future(send({"type": "http.response.body", "body": b"x" * LARGE}))
        done.add("sent")
        await sending

    with serve(application).connect(receive_buffer=SMALL) as client:
        client.send(request())
        assert done.next() == "sent"
        client.read_until(b"\r\n\r\n")
        client.half_close()
        assert len(client.read_to_end()) == LARGE
