"""permessage-deflate (RFC 7692) on WebSockets over HTTP/2: as over HTTP/1.1, stream by stream."""

import random
import zlib

import pytest
from support.apps import Gate, Journal, Receive, Scope, Send, echo_websocket, recording_websocket
from support.http2 import Http2Client, Http2WebSocket
from support.server import Serve
from support.ws import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, close_payload

from casgi import _core

RSV1 = 4
LONG = "message of a group " * 100
OFFER = "permessage-deflate"
NARROW = "permessage-deflate; server_max_window_bits=9"
MESSAGES = [
    "",
    "short",
    "long enough to be compressed " * 20,
    "é😀" * 20_000,
    random.Random(1).randbytes(70_000).hex(),
]


def open_websocket(
    client: Http2Client, *offers: str, path: str = "/", agreed: bytes | None = None
) -> Http2WebSocket:
    """Return a WebSocket that the server has accepted, with these terms beside the usual ones."""
    headers = [("sec-websocket-extensions", offer) for offer in offers]
    socket = Http2WebSocket(client, path, headers=headers)
    assert socket.response.status == 200
    if agreed is not None:
        both = b"permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        assert socket.response.header(b"sec-websocket-extensions") == both + agreed
    return socket


def compress(data: bytes) -> bytes:
    """Return one message's payload, as a client without context takeover has it."""
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def text_of(frame: Frame, bits: int = -15) -> str:
    """Return what a message says, and check that it is compressed if it is long."""
    assert (frame.opcode, frame.fin) == (TEXT, True)
    if frame.rsv == 0:
        assert len(frame.payload) < 200
        return frame.payload.decode()
    assert frame.rsv == RSV1
    return zlib.decompressobj(wbits=bits).decompress(frame.payload + b"\0\0\xff\xff").decode()


def test_handshakes(serve: Serve) -> None:
    client = Http2Client(serve(echo_websocket, ws_deflate=True).connect())
    open_websocket(client, OFFER, agreed=b"")
    open_websocket(client, NARROW, agreed=b"; server_max_window_bits=9")
    open_websocket(
        client,
        "x, permessage-deflate; client_max_window_bits",
        agreed=b"; client_max_window_bits=15",
    )
    for offers in [(), ("permessage-deflate; x",)]:
        socket = open_websocket(client, *offers)
        assert socket.response.header(b"sec-websocket-extensions") is None
        socket.send_frame(TEXT, LONG.encode())
        assert socket.read_frame() == Frame(TEXT, LONG.encode())


def test_off_unless_asked_for(serve: Serve) -> None:
    socket = open_websocket(Http2Client(serve(echo_websocket).connect()), OFFER)
    assert socket.response.header(b"sec-websocket-extensions") is None
    socket.send_frame(TEXT, compress(b"no"), rsv=RSV1)
    assert socket.read_frame().payload[:2] == (1002).to_bytes(2)


def test_messages_both_ways(serve: Serve) -> None:
    """On several streams at once, each message is whole and its stream's own."""
    client = Http2Client(serve(echo_websocket, ws_deflate=True).connect())
    sockets = [open_websocket(client, OFFER) for _ in range(3)]
    for message in MESSAGES:
        for number, socket in enumerate(sockets):
            socket.send_frame(TEXT, compress(f"{number}{message}".encode()), rsv=RSV1)
        for number, socket in enumerate(sockets):
            assert text_of(socket.read_frame()) == f"{number}{message}"


def test_fragments_with_a_ping_between(serve: Serve) -> None:
    journal = Journal()
    client = Http2Client(serve(recording_websocket(journal), ws_deflate=True).connect())
    socket = open_websocket(client, OFFER)
    payload = compress(LONG.encode())
    socket.send_frame(TEXT, payload[:5], rsv=RSV1, fin=False)
    socket.send_frame(PING, b"p")
    socket.send_frame(CONTINUATION, payload[5:])
    assert journal.next()["text"] == LONG
    assert socket.read_frame() == Frame(PONG, b"p")


def test_context_takeover(serve: Serve) -> None:
    """Each stream has its own: the second message refers to the first of its stream."""
    server = serve(echo_websocket, ws_deflate=True, ws_deflate_context_takeover=True)
    client = Http2Client(server.connect())
    for _ in range(2):
        socket = open_websocket(client, OFFER)
        compressor, inflater = zlib.compressobj(wbits=-15), zlib.decompressobj(wbits=-15)
        sizes = []
        for _ in range(3):
            data = compressor.compress(LONG.encode()) + compressor.flush(zlib.Z_SYNC_FLUSH)
            socket.send_frame(TEXT, data[:-4], rsv=RSV1)
            frame = socket.read_frame()
            assert inflater.decompress(frame.payload + b"\0\0\xff\xff").decode() == LONG
            sizes.append(len(frame.payload))
        assert sizes[1] < sizes[0]


@pytest.mark.parametrize(
    ("opcode", "payload", "code"),
    [
        (TEXT, b"\x07", 1007),
        (TEXT, compress(b"\xff"), 1007),
        (BINARY, compress(bytes(50_000_000)), 1009),
    ],
    ids=["no deflate", "no UTF-8", "bomb"],
)
def test_what_is_refused_ends_its_stream_alone(
    serve: Serve, opcode: int, payload: bytes, code: int
) -> None:
    client = Http2Client(serve(echo_websocket, ws_deflate=True).connect())
    bad, good = open_websocket(client, OFFER), open_websocket(client, OFFER)
    bad.send_frame(opcode, payload, rsv=RSV1)
    assert bad.read_frame().payload[:2] == code.to_bytes(2)
    good.send_frame(TEXT, compress(LONG.encode()), rsv=RSV1)
    assert text_of(good.read_frame()) == LONG


def test_a_groups_message_is_compressed_once_for_all_streams(serve: Serve) -> None:
    """Members on one connection, on another and in HTTP/1.1: one frame for each size of window."""
    speaking = Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.group.add", "group": "all"})
        if scope["path"] == "/speaker":
            await speaking.wait()
            frames = _core.counters()["frames"]
            await send({"type": "websocket.group.send", "group": "all", "text": LONG})
            made = _core.counters()["frames"] - frames
            await send({"type": "websocket.send", "text": str(made)})
        while (await receive())["type"] != "websocket.disconnect":
            pass

    server = serve(application, ws_deflate=True, http2_max_streams=200)
    clients = [Http2Client(server.connect()) for _ in range(2)]
    full = [open_websocket(client, OFFER) for client in clients for _ in range(20)]
    narrow = [open_websocket(clients[0], NARROW) for _ in range(20)]
    older = server.websocket(headers=[f"Sec-WebSocket-Extensions: {OFFER}"])
    speaker = open_websocket(clients[0], OFFER, path="/speaker")
    speaking.open()
    compressed = speaker.read_frame()
    assert text_of(compressed) == LONG
    assert int(text_of(speaker.read_frame())) == 2  # the two sizes of window
    assert {member.read_frame().payload for member in full} == {compressed.payload}
    assert older.read_frame() == compressed
    assert {text_of(member.read_frame(), bits=-9) for member in narrow} == {LONG}
    for member in [*full, *narrow, speaker]:
        member.send_frame(CLOSE, close_payload(1000))
        assert member.read_frame().opcode == CLOSE
    older.finish()


def test_a_slow_stream_loses_whole_messages(serve: Serve) -> None:
    """What comes after those that were dropped can be read."""
    ready = Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.group.add", "group": "all"})
        await ready.wait()
        for number in range(200):
            text = f"{number} " + random.Random(number).randbytes(1500).hex()
            await send({"type": "websocket.group.send", "group": "all", "text": text})
        await send({"type": "websocket.send", "text": "end " + LONG})
        await receive()

    options = {"slow_consumer": "drop-oldest", "write_backlog_limit": 32768}
    client = Http2Client(serve(application, ws_deflate=True, **options).connect())
    member = open_websocket(client, OFFER)
    client.held.add(member.stream)
    ready.open()
    client.until(lambda: len(member.response.body) >= 65_535)
    client.held.discard(member.stream)
    client.give_window(member.stream, 1_000_000)
    numbers = []
    while (word := text_of(member.read_frame()).partition(" ")[0]) != "end":
        numbers.append(int(word))
    assert numbers == sorted(numbers)
    assert 0 < len(numbers) < 200
