"""Clients that send before it is their turn, too much, or on and on."""

import threading
import time
from typing import Any

import pytest
from support.apps import (
    Application,
    Gate,
    Journal,
    Receive,
    Scope,
    Send,
    echo_websocket,
    read_body,
    respond,
)
from support.raw import RawClient, request
from support.server import Serve
from support.ws import CLOSE, PONG, TEXT, close_payload, encode_frame, upgrade

MEGABYTE = 1024 * 1024


def send_until_refused(client: RawClient, unit: bytes, enough: int) -> int:
    """Send copies of `unit` until the server has stopped reading; return how many went whole."""
    client.socket.settimeout(0.5)
    sent = 0
    units = unit * (65536 // len(unit))
    try:
        while sent < enough:
            sent += client.socket.send(units[sent % len(unit) :])
    except TimeoutError:
        pass
    assert sent < enough, "the server takes everything"
    client.socket.settimeout(10)
    rest = -sent % len(unit)
    threading.Thread(target=client.offer, args=(unit[len(unit) - rest :] if rest else b"",)).start()
    return (sent + rest) // len(unit)


def held(gate: Gate, application: Application) -> Application:
    """Return the application behind a gate."""

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        await gate.wait()
        await application(scope, receive, send)

    return waiting


def test_frames_before_the_accept(serve: Serve) -> None:
    gate = Gate()
    server = serve(held(gate, echo_websocket), websocket_connect_timeout=30)
    with server.websocket_connect() as client:
        client.send(upgrade())
        count = send_until_refused(client, encode_frame(TEXT, b"m" * 993), 64 * MEGABYTE)
        gate.open()
        client.read_accept()
        for _ in range(count):
            assert client.read_text() == "m" * 993
        client.finish()


def test_requests_before_the_answer(serve: Serve) -> None:
    gate = Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, await read_body(receive))

    with serve(held(gate, application)).connect() as client:
        unit = request(method="POST", body=b"b" * 20_000)
        count = send_until_refused(client, unit, 64 * MEGABYTE)
        gate.open()
        for _ in range(count):
            assert client.read_response().body == b"b" * 20_000


def test_messages_before_the_application_receives(serve: Serve) -> None:
    gate = Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await gate.wait()
        while (message := await receive())["type"] == "websocket.receive":
            await send({**message, "type": "websocket.send"})

    # That nobody's pong is missed meanwhile: websocket/test_back_pressure.py.
    with serve(application).websocket() as client:
        count = send_until_refused(client, encode_frame(TEXT, b"m" * 993), 64 * MEGABYTE)
        gate.open()
        for _ in range(count):
            assert client.read_text() == "m" * 993


@pytest.mark.parametrize("way", ["http", "websocket"])
def test_sending_on_after_the_end(serve: Serve, way: str) -> None:
    """What comes behind a last response or a close frame is dropped, and not for long."""
    with serve(
        echo_websocket if way == "websocket" else respond_and_close
    ).websocket_connect() as client:
        if way == "http":
            client.send(request(headers=["Connection: close"]))
            client.read_response()
        else:
            client.handshake()
            client.send_close(1000)
            client.read_close()
        stop = time.monotonic() + 30
        with pytest.raises(ConnectionError):
            while time.monotonic() < stop:
                client.socket.send(b"x" * 65536)


async def respond_and_close(scope: Scope, receive: Receive, send: Send) -> None:
    await respond(send, b"bye")


BAD_CHUNK = b"5\r\nhello\r\nnot a size\r\n"


def test_error_in_a_body_that_is_read(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        message: dict[str, Any] = {"type": "", "more_body": True}
        while message["type"] != "http.disconnect":
            message = await receive()
            journal.add(message["type"])

    with serve(application).connect() as client:
        client.send(request(method="POST", headers=["Transfer-Encoding: chunked"]))
        client.send(b"5\r\nhello\r\n")
        assert journal.next() == "http.request"
        client.send(b"not a size\r\n")
        assert client.read_response().status == 400
        client.assert_closed()
        assert journal.next() == "http.disconnect"


def test_error_in_a_body_behind_its_response(serve: Serve) -> None:
    """The response was complete; nothing that follows may be taken for another request."""
    with serve(respond_and_close).connect() as client:
        client.send(request(method="POST", headers=["Transfer-Encoding: chunked"]))
        assert client.read_response().body == b"bye"
        client.offer(BAD_CHUNK + request("/smuggled"))
        rest = client.read_to_end()
        assert rest == b"" or (rest.startswith(b"HTTP/1.1 400 ") and rest.count(b"HTTP/1.1") == 1)


def test_close_frame_while_paused(serve: Serve) -> None:
    """A close frame behind unread messages is found when the application has closed."""
    gate = Gate()
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await gate.wait()
        await send({"type": "websocket.close", "code": 4000})
        message: dict[str, Any] = {"type": ""}
        while message["type"] != "websocket.disconnect":
            message = await receive()
        journal.add(message["code"])

    with serve(application).websocket() as client:
        client.send(encode_frame(TEXT, b"m" * 993) * 1000)
        client.send_frame(CLOSE, close_payload(3000))
        gate.open()
        assert client.read_close()[0] == 4000
        client.assert_closed()
        assert journal.next() == 4000


def test_ping_while_the_application_sends(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for _ in range(100):
            await send({"type": "websocket.send", "bytes": b"x" * 100_000})
        await receive()

    with serve(application).websocket_connect(receive_buffer=4096) as client:
        client.handshake()
        client.send_frame(0x9, b"hurry")
        opcodes = [client.read_frame().opcode for _ in range(101)]
        assert opcodes.count(PONG) == 1
