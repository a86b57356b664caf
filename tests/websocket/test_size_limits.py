"""Limits on frames, messages and the number of fragments: 1009, before the bytes come."""

import pytest
from support.apps import Journal, Receive, Scope, Send, echo_websocket, recording_websocket
from support.server import LiveServer, Serve
from support.ws import BINARY, CONTINUATION, PING, PONG, TEXT, Frame, WebSocketClient, encode_frame

MEBIBYTE = 1 << 20


def assert_too_big(client: WebSocketClient) -> None:
    assert client.read_close()[0] == 1009
    client.assert_closed()


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_one_mebibyte_is_the_default(serve: Serve, opcode: int) -> None:
    server = serve(echo_websocket)
    with server.websocket() as client:
        client.send_frame(opcode, b"x" * MEBIBYTE)
        assert client.read_data() == Frame(opcode, b"x" * MEBIBYTE)
        client.offer(encode_frame(opcode, b"x" * (MEBIBYTE + 1)))
        assert_too_big(client)


def test_refused_by_its_head_alone(serve: Serve) -> None:
    """Nobody has to hold a mebibyte to find out that it is too much."""
    with serve(echo_websocket).websocket() as client:
        client.send(encode_frame(BINARY, b"", length=MEBIBYTE + 1))
        assert_too_big(client)


def test_fragments_together(serve: Serve) -> None:
    journal = Journal()
    with serve(recording_websocket(journal), websocket_max_message_size=1000).websocket() as client:
        client.send_frame(TEXT, b"x" * 600, fin=False)
        client.send_frame(CONTINUATION, b"x" * 400)
        assert journal.next()["text"] == "x" * 1000
        client.send_frame(TEXT, b"x" * 600, fin=False)
        client.send(encode_frame(CONTINUATION, b"", fin=False, length=401))
        assert_too_big(client)
    assert journal.next()["type"] == "websocket.disconnect"


def test_frame_limit(serve: Serve) -> None:
    """Smaller than the message limit: larger messages must come in fragments."""
    server = serve(echo_websocket, websocket_max_frame_size=1000)
    with server.websocket() as client:
        client.send_frame(BINARY, b"x" * 1000, fin=False)
        client.send_frame(CONTINUATION, b"x" * 1000)
        assert client.read_binary() == b"x" * 2000
        client.offer(encode_frame(BINARY, b"x" * 1001))
        assert_too_big(client)


def test_no_limit(serve: Serve) -> None:
    options = {"websocket_max_message_size": 0, "websocket_max_frame_size": 0}
    with serve(echo_websocket, **options).websocket() as client:
        data = bytes(3 * MEBIBYTE)
        client.send_binary(data)
        assert client.read_binary() == data


def test_limits_are_not_for_control_frames(serve: Serve) -> None:
    options = {"websocket_max_message_size": 10, "websocket_max_frame_size": 10}
    with serve(echo_websocket, **options).websocket() as client:
        client.send_frame(PING, b"x" * 100)
        assert client.read_frame() == Frame(PONG, b"x" * 100)


def test_limits_are_not_for_the_application(serve: Serve) -> None:
    """It may send what it wants; the limit is on what a stranger can make the server hold."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "bytes": bytes(2 * MEBIBYTE)})
        journal.add(await receive())

    with serve(application).websocket() as client:
        assert client.read_binary() == bytes(2 * MEBIBYTE)
        client.finish()
    assert journal.next()["code"] == 1000


def send_fragments(server: LiveServer, count: int, payload: bytes) -> WebSocketClient:
    """Return a client that has sent a message in so many fragments."""
    client = server.websocket()
    middle = encode_frame(CONTINUATION, payload, fin=False) * (count - 2)
    first, last = encode_frame(TEXT, payload, fin=False), encode_frame(CONTINUATION, payload)
    client.offer(first + middle + last)
    return client


@pytest.mark.parametrize("payload", [b"x", b""], ids=["one byte", "empty"])
def test_endless_fragments(serve: Serve, payload: bytes) -> None:
    """Tiny fragments cost far more than their bytes (CVE-2026-48779)."""
    server = serve(echo_websocket)
    with send_fragments(server, 100, payload) as client:
        assert client.read_text() == payload.decode() * 100
    with send_fragments(server, 100_000, payload) as client:
        assert client.read_close()[0] in (1008, 1009)
        client.read_to_end()


def test_fragments_are_counted_per_message(serve: Serve) -> None:
    with serve(echo_websocket).websocket() as client:
        for _ in range(10):
            parts = encode_frame(TEXT, b"x", fin=False)
            parts += encode_frame(CONTINUATION, b"x", fin=False) * 500
            client.send(parts + encode_frame(CONTINUATION, b"x"))
            assert client.read_text() == "x" * 502
