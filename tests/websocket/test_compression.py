"""permessage-deflate (RFC 7692): what is agreed, what is compressed, what is refused."""

import random
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from support.apps import Gate, Journal, Receive, Scope, Send, echo_websocket, recording_websocket
from support.raw import RawClient
from support.reports import wait_until
from support.server import Serve
from support.ws import BINARY, CONTINUATION, PING, TEXT, Frame, WebSocketClient, encode_frame
from websockets.sync.client import connect
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Message, Request
from wsproto.extensions import PerMessageDeflate

RSV1 = 4
OFFER = "Sec-WebSocket-Extensions: permessage-deflate"
TEXT_OF_300 = "compressible text " * 17
BOMB_SIZE = 50 * 1024 * 1024
BOMBS = 64
BOMB_OF_A_MEGABYTE = 1_000_000
MESSAGES: list[str | bytes] = [
    "short",
    "",
    TEXT_OF_300,
    "é😀" * 5000,
    TEXT_OF_300,
    random.Random(1).randbytes(10_000),
    b"x" * 300_000,
    TEXT_OF_300.encode(),
]


def compress(data: bytes) -> bytes:
    """Return one message's payload, as a client without context takeover has it."""
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def inflate(payload: bytes) -> bytes:
    """Return what the payload of a message says."""
    return zlib.decompressobj(wbits=-15).decompress(payload + b"\0\0\xff\xff")


def extensions(client: WebSocketClient, *offers: str) -> bytes | None:
    """Return what the server has agreed to."""
    headers = [f"Sec-WebSocket-Extensions: {offer}" for offer in offers]
    return client.handshake(headers=headers).header(b"sec-websocket-extensions")


def test_off_unless_asked_for(serve: Serve) -> None:
    with serve(echo_websocket).websocket_connect() as client:
        assert extensions(client, "permessage-deflate") is None
        client.send_frame(TEXT, compress(b"no"), rsv=RSV1)
        assert client.read_close()[0] == 1002


def test_not_offered_is_not_used(serve: Serve) -> None:
    with serve(echo_websocket, ws_deflate=True).websocket() as client:
        client.send_text(TEXT_OF_300)
        assert client.read_data() == Frame(TEXT, TEXT_OF_300.encode())
        client.finish()


@pytest.mark.parametrize(
    ("offers", "agreed"),
    [
        (["permessage-deflate; server_max_window_bits=7"], None),
        (["permessage-deflate; x", "permessage-deflate"], b""),
        (["x-unknown, permessage-deflate; client_max_window_bits"], b"; client_max_window_bits=15"),
        (
            ["x-unknown", "permessage-deflate; server_max_window_bits=10"],
            b"; server_max_window_bits=10",
        ),
    ],
)
def test_first_offer_that_can_be_kept(
    serve: Serve, offers: list[str], agreed: bytes | None
) -> None:
    both = b"permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    with serve(echo_websocket, ws_deflate=True).websocket_connect() as client:
        assert extensions(client, *offers) == (None if agreed is None else both + agreed)
        client.finish()


def test_compressed_from_the_least_size_on(serve: Serve) -> None:
    server = serve(echo_websocket, ws_deflate=True)
    with server.websocket(headers=[OFFER]) as client:
        client.send_text("x" * 199)
        assert client.read_data() == Frame(TEXT, b"x" * 199)
        client.send_binary(b"x" * 200)
        frame = client.read_data()
        assert (frame.opcode, frame.rsv, frame.fin) == (BINARY, RSV1, True)
        assert inflate(frame.payload) == b"x" * 200
        client.finish()


def test_received_in_fragments_with_a_ping_between(serve: Serve) -> None:
    journal = Journal()
    with serve(recording_websocket(journal), ws_deflate=True).websocket(headers=[OFFER]) as client:
        payload = compress(TEXT_OF_300.encode())
        client.send_frame(TEXT, payload[:5], rsv=RSV1, fin=False)
        client.send_frame(PING, b"p")
        client.send_frame(CONTINUATION, payload[5:])
        assert journal.next()["text"] == TEXT_OF_300
        assert client.read_frame().payload == b"p"
        client.finish()


@pytest.mark.parametrize(
    ("payload", "code"), [(b"\x07", 1007), (compress(b"\xff"), 1007), (compress(b"x")[:-1], 1007)]
)
def test_what_is_refused(serve: Serve, payload: bytes, code: int) -> None:
    with serve(echo_websocket, ws_deflate=True).websocket(headers=[OFFER]) as client:
        client.send_frame(TEXT, payload, rsv=RSV1)
        assert client.read_close()[0] == code


def test_bomb_is_refused_while_it_inflates(serve: Serve) -> None:
    """Fifty megabytes in fifty kilobytes: refused after the first of them."""
    with serve(echo_websocket, ws_deflate=True).websocket(headers=[OFFER]) as client:
        client.offer(encode_frame(BINARY, compress(bytes(BOMB_SIZE)), rsv=RSV1))
        assert client.read_close()[0] == 1009


def test_many_small_bombs_are_not_read_ahead(serve: Serve) -> None:
    """Of messages that nobody receives yet, few are inflated: 4 KiB of them at a time."""
    gate = Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await gate.wait()
        for _ in range(BOMBS):
            assert len((await receive())["bytes"]) == BOMB_OF_A_MEGABYTE
        await send({"type": "websocket.send", "text": "all"})
        await receive()

    server = serve(application, ws_deflate=True)

    def received() -> int:
        return server.call(lambda: server.engine.server.metrics()["messages_received"])

    with server.websocket(headers=[OFFER]) as client:
        bomb = encode_frame(BINARY, compress(bytes(BOMB_OF_A_MEGABYTE)), rsv=RSV1)
        client.send(bomb * BOMBS)
        wait_until(lambda: received() > 0, "nothing came")
        assert received() <= 6
        gate.open()
        assert client.read_text() == "all"
        client.finish()


# --- Clients that others have written ---


@pytest.mark.parametrize("takeover", [False, True])
def test_websockets(serve: Serve, takeover: bool) -> None:
    server = serve(echo_websocket, ws_deflate=True, ws_deflate_context_takeover=takeover)
    host, port = server.address
    with connect(f"ws://{host}:{port}", sock=server.connect().socket) as client:
        (extension,) = client.protocol.extensions
        assert extension.name == "permessage-deflate"
        assert extension.remote_no_context_takeover is not takeover
        assert extension.local_no_context_takeover is not takeover
        for message in MESSAGES:
            client.send(message)
            assert client.recv() == message


@pytest.mark.parametrize("takeover", [False, True])
@pytest.mark.parametrize("bits", [9, 12, 15])
def test_wsproto(serve: Serve, takeover: bool, bits: int) -> None:
    server = serve(echo_websocket, ws_deflate=True, ws_deflate_context_takeover=takeover)
    deflate = PerMessageDeflate(client_max_window_bits=bits, server_max_window_bits=bits)
    protocol = WSConnection(ConnectionType.CLIENT)
    with server.connect() as client:
        client.send(protocol.send(Request(host="test", target="/", extensions=[deflate])))
        events = events_of(client, protocol)
        assert isinstance(accepted := next(events), AcceptConnection)
        assert accepted.extensions == [deflate]
        for message in MESSAGES:
            client.send(protocol.send(Message(data=message)))
            parts = []
            while not (event := next(events)).message_finished:
                parts.append(event.data)
            assert type(message)().join([*parts, event.data]) == message


def events_of(client: RawClient, protocol: WSConnection) -> Iterator[Any]:
    """Yield what the protocol makes of what the server sends."""
    while data := client.socket.recv(65536):
        protocol.receive_data(data)
        yield from protocol.events()
