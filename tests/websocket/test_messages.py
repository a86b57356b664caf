"""Messages both ways: text and binary, whole and in fragments, with control frames in between."""

import random

import pytest
from support.apps import Journal, Receive, Scope, Send, echo_websocket, recording_websocket
from support.server import Serve
from support.ws import BINARY, CONTINUATION, PING, PONG, TEXT, Frame, encode_frame, upgrade

SIZES = [0, 1, 2, 124, 125, 126, 127, 128, 65534, 65535, 65536, 65537, 300_000]
TEXTS = ["", "hello", "héllo", "你好", "😀" * 1000, "\0\x01\x7f", "a\r\nb"]


@pytest.mark.parametrize("text", TEXTS)
def test_text(serve: Serve, text: str) -> None:
    with serve(echo_websocket).websocket() as client:
        client.send_text(text)
        assert client.read_text() == text
        client.finish()


def test_binary_of_every_kind_of_length(serve: Serve) -> None:
    with serve(echo_websocket).websocket() as client:
        for size in SIZES:
            data = random.Random(size).randbytes(size)
            client.send_binary(data)
            assert client.read_binary() == data, size
        client.finish()


def test_what_the_application_receives(serve: Serve) -> None:
    journal = Journal()
    with serve(recording_websocket(journal)).websocket() as client:
        client.send_text("text")
        client.send_binary(b"\x00\xff")
        text, binary = journal.next(), journal.next()
        client.finish()
    assert text["type"] == binary["type"] == "websocket.receive"
    assert (text["text"], text.get("bytes")) == ("text", None)
    assert (binary["bytes"], binary.get("text")) == (b"\x00\xff", None)
    assert type(text["text"]) is str
    assert type(binary["bytes"]) is bytes


def test_other_key_may_be_none_or_missing(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "1", "bytes": None})
        await send({"type": "websocket.send", "bytes": b"2", "text": None})
        await send({"type": "websocket.send", "text": ""})
        await send({"type": "websocket.send", "bytes": b""})
        await receive()

    with serve(application).websocket() as client:
        wanted = [(TEXT, b"1"), (BINARY, b"2"), (TEXT, b""), (BINARY, b"")]
        assert [client.read_frame() for _ in wanted] == [Frame(*pair) for pair in wanted]
        client.finish()


@pytest.mark.parametrize("mask", [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x01\x00\x00\x00"])
def test_masks(serve: Serve, mask: bytes) -> None:
    with serve(echo_websocket).websocket() as client:
        for size in (1, 3, 4, 5, 17, 126, 70_000):
            data = random.Random(size).randbytes(size)
            client.send(encode_frame(BINARY, data, mask=mask))
            assert client.read_binary() == data


def test_byte_by_byte(serve: Serve) -> None:
    with serve(echo_websocket).websocket() as client:
        data = bytes(range(256))
        client.dribble(encode_frame(TEXT, "bytewise é😀".encode()) + encode_frame(BINARY, data))
        assert client.read_text() == "bytewise é😀"
        assert client.read_binary() == data


def test_every_cut_in_two_packets(serve: Serve) -> None:
    wire = encode_frame(TEXT, b"x" * 130) + encode_frame(PING, b"p") + encode_frame(TEXT, b"y")
    with serve(echo_websocket).websocket() as client:
        for cut in range(1, len(wire)):
            client.send(wire[:cut])
            client.send(wire[cut:])
            frames = {client.read_frame() for _ in range(3)}
            assert frames == {Frame(TEXT, b"x" * 130), Frame(PONG, b"p"), Frame(TEXT, b"y")}, cut


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize(
    "parts", [[b"a", b"b"], [b"", b""], [b"", b"x", b""], [b"x"] * 100, [b"y" * 70_000] * 3]
)
def test_fragments(serve: Serve, opcode: int, parts: list[bytes]) -> None:
    with serve(echo_websocket).websocket() as client:
        for index, part in enumerate(parts):
            client.send_frame(opcode if index == 0 else 0, part, fin=index == len(parts) - 1)
        assert client.read_data() == Frame(opcode, b"".join(parts))
        client.send_text("next")
        assert client.read_text() == "next"


def test_fragments_that_split_a_character(serve: Serve) -> None:
    encoded = "aé你😀".encode()
    with serve(echo_websocket).websocket() as client:
        for cut in range(len(encoded) + 1):
            client.send_frame(TEXT, encoded[:cut], fin=False)
            client.send_frame(CONTINUATION, encoded[cut:])
            assert client.read_text() == "aé你😀"


def test_control_frames_between_fragments(serve: Serve) -> None:
    with serve(echo_websocket).websocket() as client:
        client.send_frame(TEXT, b"one ", fin=False)
        client.send_frame(PING, b"in between")
        assert client.read_frame() == Frame(PONG, b"in between")
        client.send_frame(PONG, b"unasked")
        client.send_frame(CONTINUATION, b"two ", fin=False)
        client.send_frame(PING)
        assert client.read_frame() == Frame(PONG)
        client.send_frame(CONTINUATION, b"three")
        assert client.read_text() == "one two three"


def test_order(serve: Serve) -> None:
    with serve(echo_websocket).websocket() as client:
        client.send(b"".join(encode_frame(TEXT, b"%d" % number) for number in range(1000)))
        assert [client.read_text() for _ in range(1000)] == [str(number) for number in range(1000)]


def test_sends_of_one_turn_keep_their_order(serve: Serve) -> None:
    """Messages, a ping in between, and the close come in the order of their sending."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for number in range(100):
            await send({"type": "websocket.send", "text": str(number)})
        await send({"type": "websocket.close", "code": 4001})

    with serve(application).websocket() as client:
        assert [client.read_text() for _ in range(100)] == [str(number) for number in range(100)]
        assert client.read_close()[0] == 4001


def test_frames_in_one_packet_with_the_handshake(serve: Serve) -> None:
    with serve(echo_websocket).websocket_connect() as client:
        client.send(upgrade() + encode_frame(TEXT, b"early") + encode_frame(BINARY, b"bird"))
        client.read_accept()
        assert client.read_text() == "early"
        assert client.read_binary() == b"bird"
        client.finish()


def test_part_of_a_frame_in_one_packet_with_the_handshake(serve: Serve) -> None:
    frame = encode_frame(TEXT, b"early")
    server = serve(echo_websocket)
    for cut in range(1, len(frame)):
        with server.websocket_connect() as client:
            client.send(upgrade() + frame[:cut])
            client.read_accept()
            client.send(frame[cut:])
            assert client.read_text() == "early", cut


def test_large_text_checked_as_utf_8(serve: Serve) -> None:
    text = "aé你😀" * 50_000
    with serve(echo_websocket).websocket() as client:
        client.send_text(text)
        assert client.read_text() == text
