"""Clients that send too slowly, take too slowly, or send too much: each ends, others go on."""

import contextlib
import select
import time
from typing import Any

import pytest
from support.apps import Gate, Journal, Receive, Scope, Send, echo_websocket, respond
from support.http2 import Http2Client
from support.raw import RawClient, request
from support.server import LiveServer, Serve
from support.ws import CLOSE, TEXT, close_payload, encode_frame

LARGE = 2 * 1024 * 1024
SMALL = 4096
TIMEOUT = 1.0
LONGER = 2.5
"""Seconds for who is in time, also on a machine that stands still for a moment."""


def post(length: int, *headers: str) -> bytes:
    return request(method="POST", headers=[f"Content-Length: {length}", *headers])


async def patient(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with how many bytes came, or nothing when the client has left."""
    size = 0
    while (message := await receive())["type"] == "http.request":
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            await respond(send, b"%d" % size)
            return


def time_out_another(server: LiveServer) -> None:
    """Return when the time has passed for somebody else."""
    with server.connect() as client:
        client.send(post(1))
        assert client.read_response().status == 408


@pytest.mark.parametrize("head", [post(100), post(100) + b"x" * 50])
def test_body_that_does_not_come(serve: Serve, head: bytes) -> None:
    server = serve(patient, body_timeout=TIMEOUT)
    with server.connect() as client:
        client.send(head)
        assert client.read_response().status == 408


def dribble_until_answered(client: RawClient, chunk: bytes) -> int:
    """Send a little at a time until there is an answer; return its status."""
    client.socket.settimeout(0.02)
    while True:
        client.send(chunk)
        with contextlib.suppress(TimeoutError):
            client.buffer += client.socket.recv(4096)
            break
    client.socket.settimeout(20)
    return client.read_response().status


@pytest.mark.parametrize(
    ("head", "chunk"),
    [
        (post(LARGE), b"x"),
        (request(method="POST", headers=["Transfer-Encoding: chunked"]), b"1\r\nx\r\n"),
    ],
)
def test_body_that_comes_too_slowly_though_it_never_stops(
    serve: Serve, head: bytes, chunk: bytes
) -> None:
    server = serve(patient, body_timeout=TIMEOUT, min_body_rate=10_000)
    with server.connect() as client:
        client.send(head)
        assert dribble_until_answered(client, chunk) == 408


def test_any_rate_will_do_when_none_is_asked_for(serve: Serve) -> None:
    server = serve(patient, body_timeout=LONGER, min_body_rate=0)
    with server.connect() as client, server.connect() as other:
        client.send(post(LARGE))
        other.send(post(1))
        sent = 0
        while not select.select([other.socket], [], [], 0.02)[0]:
            client.send(b"x")
            sent += 1
        assert other.read_response().status == 408
        client.offer(b"x" * (LARGE - sent))
        assert client.read_response().body == b"%d" % LARGE


def test_application_is_told_and_the_connection_ends(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        while (message := await receive())["type"] == "http.request":
            pass
        journal.add(message["type"])

    server = serve(application, body_timeout=TIMEOUT, header_timeout=TIMEOUT)
    with server.connect() as client:
        client.send(post(100))
        assert client.read_response().status == 408
        assert journal.next() == "http.disconnect"
        assert client.read_to_end() == b""


def test_time_in_which_the_application_does_not_read_is_not_the_clients(serve: Serve) -> None:
    gate = Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/":
            await gate.wait()
        await patient(scope, receive, send)

    server = serve(application, body_timeout=TIMEOUT, min_body_rate=1_000_000)
    with server.connect() as client:
        client.send(post(LARGE, "X: y"))
        client.offer(b"x" * (LARGE // 2))
        with server.connect() as other:
            other.send(request("/other", method="POST", headers=["Content-Length: 1"]))
            assert other.read_response().status == 408
        gate.open()
        client.offer(b"x" * (LARGE // 2))
        assert client.read_response().body == b"%d" % LARGE


def test_client_that_waits_to_be_asked(serve: Serve) -> None:
    gate = Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/":
            await gate.wait()
        await patient(scope, receive, send)

    server = serve(application, body_timeout=TIMEOUT)
    with server.connect() as client:
        client.send(post(4, "Expect: 100-continue"))
        with server.connect() as other:
            other.send(request("/other", method="POST", headers=["Content-Length: 1"]))
            assert other.read_response().status == 408
        gate.open()
        assert client.read_head().status == 100
        client.send(b"body")
        assert client.read_response().body == b"4"


def test_body_in_time_leaves_the_connection_as_it_was(serve: Serve) -> None:
    server = serve(patient, body_timeout=TIMEOUT)
    with server.connect() as client:
        for _ in range(3):
            client.send(post(4))
            client.send(b"body")
            assert client.read_response().body == b"4"
        time_out_another(server)
        client.send(post(4) + b"body")
        assert client.read_response().body == b"4"


def test_body_of_http2(serve: Serve) -> None:
    server = serve(patient, body_timeout=TIMEOUT)
    client = Http2Client(server.connect())
    slow = client.request(method="POST", ends=False)
    assert client.get(method="POST", body=b"four").body == b"4"
    assert client.response(slow).status == 408
    assert client.get(method="POST", body=b"four").body == b"4"


async def large(scope: Scope, receive: Receive, send: Send) -> None:
    await respond(send, b"x" * LARGE, headers=[(b"content-length", str(LARGE).encode())])


def test_reader_that_takes_too_little(serve: Serve) -> None:
    server = serve(large, send_timeout=TIMEOUT, min_send_rate=LARGE)
    server.limit_send_buffer(SMALL)
    with server.connect(receive_buffer=SMALL) as client:
        client.send(request())
        taken = 0
        with contextlib.suppress(ConnectionError):
            while taken < LARGE:
                taken += len(client.socket.recv(64))
                time.sleep(0.01)
    assert taken < LARGE
    server.wait_idle()


def test_reader_that_is_slow_enough_for_the_rate_gets_all(serve: Serve) -> None:
    server = serve(large, send_timeout=TIMEOUT, min_send_rate=1)
    server.limit_send_buffer(SMALL)
    with server.connect(receive_buffer=SMALL) as client:
        client.send(request())
        assert len(client.read_response().body) == LARGE


@pytest.mark.parametrize(
    ("limits", "message", "reason"),
    [
        ({"websocket_max_message_rate": 10}, "x", "too many messages"),
        ({"websocket_max_byte_rate": 1000}, "x" * 500, "too many bytes"),
    ],
)
def test_websocket_that_sends_too_much(
    serve: Serve, limits: dict[str, int], message: str, reason: str
) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        async def noted() -> Any:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                journal.add((message["code"], message["reason"]))
            return message

        await echo_websocket(scope, noted, send)

    server = serve(application, **limits)
    other = server.websocket()
    client = server.websocket()
    for _ in range(60):
        client.offer(encode_frame(TEXT, message.encode()))  # until it is closed
    while (frame := client.read_data()).opcode != CLOSE:
        pass
    assert frame.payload == close_payload(1008)
    assert journal.next() == (1008, reason)
    other.send_text("still there")
    assert other.read_text() == "still there"
    assert server.call(server.engine.server.metrics)["rate_closed"] == 1
