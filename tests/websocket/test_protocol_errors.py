"""What a client must not send: each violation gets the close code that RFC 6455 gives it."""

import struct

import pytest
from support.apps import Journal, recording_websocket
from support.server import Serve
from support.ws import (
    BINARY,
    CLOSE,
    CONTINUATION,
    MASK,
    PING,
    PONG,
    TEXT,
    WebSocketClient,
    close_payload,
    encode_frame,
)


def fail(serve: Serve, data: bytes, code: int) -> None:
    """Check that these bytes end the connection with this code, and are not delivered."""
    journal = Journal()
    server = serve(recording_websocket(journal))
    with server.websocket() as client:
        client.offer(data)
        assert_closed_with(client, code)
    disconnect = journal.next()
    assert disconnect["type"] == "websocket.disconnect", "the bad frame was delivered"
    assert disconnect["code"] in (code, 1006)
    server.wait_idle()


def assert_closed_with(client: WebSocketClient, code: int) -> None:
    """Check that a close frame with this code comes, and the end without waiting for an answer."""
    assert client.read_close()[0] == code
    client.assert_closed()


@pytest.mark.parametrize("opcode", [TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG])
def test_unmasked(serve: Serve, opcode: int) -> None:
    fail(serve, encode_frame(opcode, b"", mask=None), 1002)


def test_unmasked_with_payload(serve: Serve) -> None:
    fail(serve, encode_frame(TEXT, b"hello", mask=None), 1002)


@pytest.mark.parametrize("opcode", [0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF])
@pytest.mark.parametrize("fin", [True, False])
def test_reserved_opcode(serve: Serve, opcode: int, fin: bool) -> None:
    fail(serve, encode_frame(opcode, b"x", fin=fin), 1002)


@pytest.mark.parametrize("rsv", range(1, 8))
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, PONG, CLOSE])
def test_reserved_bits(serve: Serve, rsv: int, opcode: int) -> None:
    fail(serve, encode_frame(opcode, b"", rsv=rsv), 1002)


def test_reserved_bit_in_a_continuation(serve: Serve) -> None:
    data = encode_frame(TEXT, b"a", fin=False) + encode_frame(CONTINUATION, b"b", rsv=4)
    fail(serve, data, 1002)


@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
def test_fragmented_control_frame(serve: Serve, opcode: int) -> None:
    fail(serve, encode_frame(opcode, b"", fin=False), 1002)


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
@pytest.mark.parametrize("size", [126, 127, 65536])
def test_long_control_frame(serve: Serve, opcode: int, size: int) -> None:
    fail(serve, encode_frame(opcode, b"\x03\xe8" + b"x" * (size - 2)), 1002)


def test_continuation_of_nothing(serve: Serve) -> None:
    fail(serve, encode_frame(CONTINUATION, b"x"), 1002)
    fail(serve, encode_frame(CONTINUATION, b"x", fin=False), 1002)


def test_continuation_after_a_whole_message(serve: Serve) -> None:
    journal = Journal()
    with serve(recording_websocket(journal)).websocket() as client:
        client.send_text("whole")
        client.send_frame(CONTINUATION, b"more")
        assert_closed_with(client, 1002)
    assert journal.next()["text"] == "whole"
    assert journal.next()["type"] == "websocket.disconnect"


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_new_message_within_a_fragmented_one(serve: Serve, opcode: int) -> None:
    data = encode_frame(TEXT, b"begun", fin=False) + encode_frame(opcode, b"new")
    fail(serve, data, 1002)


@pytest.mark.parametrize(
    "head",
    [
        b"\x81\xfe" + struct.pack("!H", 125),
        b"\x81\xff" + struct.pack("!Q", 125),
        b"\x81\xff" + struct.pack("!Q", 65535),
    ],
)
def test_length_not_in_its_shortest_form(serve: Serve, head: bytes) -> None:
    """RFC 6455, 5.2: the minimal number of bytes must be used."""
    fail(serve, head + MASK + bytes(125), 1002)


def test_length_of_64_bits(serve: Serve) -> None:
    """RFC 6455, 5.2: the most significant bit must be 0."""
    data = b"\x82\xff" + struct.pack("!Q", 1 << 63) + MASK
    journal = Journal()
    with serve(recording_websocket(journal)).websocket() as client:
        client.send(data)
        assert client.read_close()[0] in (1002, 1009)
        client.assert_closed()
    assert journal.next()["type"] == "websocket.disconnect"


def test_close_payload_of_one_byte(serve: Serve) -> None:
    fail(serve, encode_frame(CLOSE, b"\x03"), 1002)


@pytest.mark.parametrize(
    "code",
    [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535],
)
def test_close_code_that_must_not_be_sent(serve: Serve, code: int) -> None:
    fail(serve, encode_frame(CLOSE, close_payload(code)), 1002)


@pytest.mark.parametrize(
    "code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999]
)
def test_close_code_that_may_be_sent(serve: Serve, code: int) -> None:
    journal = Journal()
    with serve(recording_websocket(journal)).websocket() as client:
        client.send_close(code)
        assert_closed_with(client, code)
    assert journal.next()["code"] == code


@pytest.mark.parametrize("reason", [b"\xff", b"ok\xc3", b"\xed\xa0\x80", b"\xc0\x80"])
def test_close_reason_that_is_not_utf_8(serve: Serve, reason: bytes) -> None:
    fail(serve, encode_frame(CLOSE, struct.pack("!H", 1000) + reason), 1007)


def test_http_request_on_a_websocket(serve: Serve) -> None:
    fail(serve, b"GET / HTTP/1.1\r\nHost: test\r\n\r\n", 1002)


@pytest.mark.parametrize("byte", [0x00, 0xFF, 0x16, 0x7F])
def test_noise(serve: Serve, byte: int) -> None:
    fail(serve, bytes([byte]) * 200, 1002)


def test_server_goes_on(serve: Serve) -> None:
    server = serve(recording_websocket(Journal()))
    for data in (b"\xff" * 20, encode_frame(TEXT, b"x", mask=None), encode_frame(0xB)):
        with server.websocket() as bad, server.websocket() as good:
            bad.send(data)
            assert bad.read_close()[0] == 1002
            good.finish()
