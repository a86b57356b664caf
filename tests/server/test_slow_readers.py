"""Clients that read late or never: what they cost is bounded, and what is theirs is not cut off."""

import socket
import time
from typing import Any

import pytest
from support.apps import DEADLINE, Journal, Receive, Scope, Send, Stream, echo_websocket, respond
from support.raw import RawClient, request
from support.server import Serve
from support.ws import PING, PONG, encode_frame

SMALL = 4096
LARGE = 8 * 1024 * 1024


async def large(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with many bytes in one message, so that the response is over while they wait."""
    await respond(send, b"x" * LARGE, headers=[(b"content-length", str(LARGE).encode())])


def read_slowly(client: RawClient, size: int, seconds: float) -> int:
    """Read up to `size` bytes, evenly over so many seconds; return how many came."""
    begun = time.monotonic()
    count = len(client.buffer)
    while count < size and (data := client.socket.recv(65536)):
        count += len(data)
        time.sleep(max(0.0, begun + seconds * count / size - time.monotonic()))
    return count


def count_until_quiet(journal: Journal) -> int:
    """Count the entries that come until none has come for a while."""
    count = 0
    while True:
        try:
            journal.next(0.5)
        except AssertionError:
            return count
        count += 1


def test_response_outlives_the_keep_alive_timeout(serve: Serve) -> None:
    with serve(large, keep_alive_timeout=0.1).connect(receive_buffer=SMALL) as client:
        client.send(request())
        assert client.read_head().status == 200
        assert read_slowly(client, LARGE, 1.0) == LARGE


def test_response_outlives_a_late_half_close(serve: Serve) -> None:
    """The client ends its side when the response is complete, but only on our side."""
    with serve(large).connect(receive_buffer=SMALL) as client:
        client.send(request())
        assert client.read_head().status == 200
        client.half_close()
        assert len(client.read_to_end()) == LARGE


def test_stream_to_a_client_that_ended_its_side_and_reads_nothing(serve: Serve) -> None:
    """What it does not read is not kept for it, and ends when the application knows."""
    journal = Journal()
    with serve(Stream(journal, listens=True)).connect(receive_buffer=SMALL) as client:
        client.send(request())
        client.half_close()
        kind, sent = journal.next()
        assert kind == "http.disconnect"
        assert sent < 500
        assert journal.next() == "ended"


@pytest.mark.plain  # TLS has no half-open connections
def test_stream_to_a_client_that_ended_its_side_and_reads(serve: Serve) -> None:
    """An application that does not ask is not told: it sends as fast as the client reads."""
    journal = Journal()
    stream = Stream(journal, listens=False)
    with serve(stream, application_close_timeout=60).connect(receive_buffer=SMALL) as client:
        client.send(request(version="1.0"))
        assert client.read_head().status == 200
        client.half_close()
        size = len(client.buffer)
        while size < LARGE:
            size += len(client.socket.recv(65536))
        assert stream.sent < 700  # 8 MB were read, and 32 may stand in buffers
        client.buffer.clear()
        assert size + len(client.read_to_end()) == 1000 * 65536
        assert journal.next() == "ended"


def test_half_a_request_behind_a_half_close(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, b"first")

    with serve(application).connect() as client:
        client.send(request() + b"GET /second HTTP/1.1\r\nHo")
        client.half_close()
        assert client.read_response().body == b"first"
        client.assert_closed()


def test_pipelined_requests_whose_answers_nobody_reads(serve: Serve) -> None:
    journal = Journal()
    body = b"x" * 1_000_000

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add("called")
        await respond(send, body)

    with serve(application).connect(receive_buffer=SMALL) as client:
        client.send(request() * 200)
        assert count_until_quiet(journal) < 50
        for _ in range(200):
            assert client.read_response().body == body


def test_rest_of_a_body_behind_the_response(serve: Serve) -> None:
    """The connection is then idle, for which it has the keep-alive timeout."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, b"early", headers=[(b"content-length", b"5")])

    data = request(method="POST", body=b"body")
    with serve(application, header_timeout=1.0).connect() as client:
        client.send(data[:-2])
        assert client.read_response().body == b"early"
        client.send(data[-2:])
        assert client.is_silent(1.5)
        client.send(request())
        assert client.read_response().body == b"early"


def test_pings_whose_answers_nobody_reads(serve: Serve) -> None:
    """The client sends what it can; the server stops reading, and goes on when it is read."""
    enough = 48 * 1024 * 1024
    pings = encode_frame(PING, b"p" * 125) * 500
    server = serve(echo_websocket)
    with server.websocket_connect(receive_buffer=SMALL) as client:
        client.handshake()
        client.socket.settimeout(1)
        sent = 0
        try:
            while sent < enough:
                sent += client.socket.send(pings[sent % len(pings) :])
        except TimeoutError:
            pass
        finally:
            client.socket.settimeout(DEADLINE)
        assert sent < enough
        for _ in range(sent // (len(pings) // 500)):
            assert client.read_frame().opcode == PONG
        rest = -sent % (len(pings) // 500)
        client.send(pings[len(pings) - rest :])
        if rest:
            assert client.read_frame().opcode == PONG
        client.send_text("still there")
        assert client.read_text() == "still there"
        client.finish()


def test_slow_reader_of_a_websocket_is_alive(serve: Serve) -> None:
    """The ping waits behind megabytes: that they are taken is a sign of life."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "bytes": b"x" * LARGE})
        message: dict[str, Any] = await receive()
        assert message["type"] == "websocket.disconnect"

    server = serve(application, ping_interval=0.2, ping_timeout=2.5)
    # Progress shows only in what the kernel has not taken: let it take little.
    server._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
    with server.websocket_connect(receive_buffer=SMALL) as client:
        client.handshake()
        assert read_slowly(client, LARGE + 10, 4.0) >= LARGE + 10
