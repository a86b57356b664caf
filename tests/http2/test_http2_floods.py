"""What a peer may do that brings nothing: a burst, but no flood (docs/http2.md)."""

import threading
from collections.abc import Callable

import pytest
from support.apps import Receive, Scope, Send, read_body, respond
from support.http2 import Http2Client, frame
from support.server import LiveServer, Serve

STREAM_CLOSED, ENHANCE_YOUR_CALM = 5, 11
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = range(5)
PING, GOAWAY, WINDOW_UPDATE, CONTINUATION, PRIORITY_UPDATE, UNKNOWN = 6, 7, 8, 9, 0x10, 0xFA
END_STREAM, END_HEADERS, ACK = 1, 4, 1


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await read_body(receive)
    await respond(send, b"hello")


async def never(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def head(client: Http2Client, *, method: bytes = b"GET") -> bytes:
    """Return a header block of a request, as `h2` encodes one."""
    fields = [(b":method", method), (b":scheme", b"http"), (b":path", b"/"), (b":authority", b"a")]
    return bytes(client.h2.encoder.encode(fields))


def flood(client: Http2Client, data: bytes) -> int | None:
    """Send bytes while reading what comes, to the end; return the code of GOAWAY."""
    sender = threading.Thread(target=client.raw.offer, args=(data,))
    sender.start()
    answer = client.raw.read_to_end()
    sender.join()
    while answer:
        length, kind = int.from_bytes(answer[:3]), answer[3]
        if kind == GOAWAY:
            return int.from_bytes(answer[13:17])
        answer = answer[9 + length :]
    return None


def open_stream(client: Http2Client) -> bytes:
    return frame(HEADERS, END_HEADERS, 1, head(client, method=b"POST"))


FLOODS: dict[str, Callable[[Http2Client], bytes]] = {
    "settings": lambda _: frame(SETTINGS, 0, 0) * 5000,
    "ping": lambda _: frame(PING, 0, 0, b"12345678") * 5000,
    "priority": lambda _: frame(PRIORITY, 0, 1, b"\0\0\0\3\0") * 5000,
    "priority updates of a stream": lambda client: (
        open_stream(client) + frame(PRIORITY_UPDATE, 0, 0, b"\0\0\0\1u=0, i") * 5000
    ),
    "priority updates of streams to come": lambda _: b"".join(
        frame(PRIORITY_UPDATE, 0, 0, stream.to_bytes(4) + b"u=0") for stream in range(1, 10000, 2)
    ),
    "priority updates that say nothing": lambda client: (
        open_stream(client) + frame(PRIORITY_UPDATE, 0, 0, b"\0\0\0\1" + b"=" * 1000) * 5000
    ),
    "unknown frames": lambda _: frame(UNKNOWN, 0, 0, b"x") * 5000,
    "window updates of the connection": lambda _: frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1") * 50000,
    "window updates of a stream": lambda client: (
        open_stream(client) + frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\1") * 50000
    ),
    "empty data": lambda client: open_stream(client) + frame(DATA, 0, 1) * 5000,
    "empty continuations": lambda client: (
        frame(HEADERS, 0, 1, head(client)) + frame(CONTINUATION, 0, 1) * 5000
    ),
    "continuations": lambda client: (
        frame(HEADERS, 0, 1, head(client)) + frame(CONTINUATION, 0, 1, b"\0\1a\1b" * 3000) * 100
    ),
    "rapid reset": lambda client: b"".join(
        frame(HEADERS, END_STREAM | END_HEADERS, stream, head(client))
        + frame(RST_STREAM, 0, stream, b"\0\0\0\x08")
        for stream in range(1, 20000, 2)
    ),
    "made to reset by a full window": lambda client: b"".join(
        frame(HEADERS, END_STREAM | END_HEADERS, stream, head(client))
        + frame(WINDOW_UPDATE, 0, stream, b"\x7f\xff\xff\xff")
        for stream in range(1, 20000, 2)
    ),
    "made to reset by too many trailers": lambda client: b"".join(
        frame(HEADERS, END_HEADERS, stream, head(client, method=b"POST"))
        + frame(HEADERS, END_STREAM | END_HEADERS, stream, b"\x00\x01x\x01y" * 9)
        for stream in range(1, 8000, 2)
    ),
    "made to reset by malformed heads": lambda client: b"".join(
        frame(HEADERS, END_STREAM | END_HEADERS, stream, b"\x00\x01A\x01b")
        for stream in range(1, 20000, 2)
    ),
}


@pytest.mark.parametrize("name", FLOODS)
def test_flood(serve: Serve, name: str) -> None:
    server = serve(never, http2_max_streams=20000, max_headers=8)
    client = Http2Client(server.connect())
    client.until(lambda: client.settings_seen)
    assert flood(client, FLOODS[name](client)) == ENHANCE_YOUR_CALM
    assert_serves(server)


def test_streams_above_the_limit(serve: Serve) -> None:
    client = Http2Client(serve(never, http2_max_streams=10).connect())
    client.until(lambda: client.settings_seen)
    block = head(client, method=b"POST")
    for stream in range(1, 31, 2):
        client.raw.send(frame(HEADERS, END_HEADERS, stream, block))
    answer = bytearray()
    refused = b"".join(frame(RST_STREAM, 0, stream, b"\0\0\0\7") for stream in range(21, 31, 2))
    while len(answer) < len(refused):  # what is above may be sent again
        answer += client.raw.socket.recv(65536)
    assert answer == refused
    more = [frame(HEADERS, END_HEADERS, stream, block) for stream in range(31, 101, 2)]
    assert flood(client, b"".join(more)) is not None


def assert_serves(server: LiveServer) -> None:
    """Check that the next connection is taken as always."""
    client = Http2Client(server.connect())
    client.until(lambda: client.settings_seen)
    client.raw.close()


def test_a_page_that_is_left_breaks_off_2000_fetches(serve: Serve) -> None:
    client = Http2Client(serve(never).connect())
    client.until(lambda: client.settings_seen)
    for _ in range(20):
        for stream in [client.request() for _ in range(100)]:
            client.reset(stream)
    client.h2.ping(b"12345678")
    client.flush()
    client.step()
    assert client.goaway is None


def test_an_honest_download_with_many_window_updates(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, b"x" * 8_000_000)

    client = Http2Client(serve(application).connect())
    stream = client.request()
    client.held.add(stream)
    response = client.responses[stream]
    seen = 0
    while not response.is_whole:
        client.step()
        for _ in range((len(response.body) - seen) // 1024 if not response.is_whole else 0):
            client.h2.increment_flow_control_window(1024, stream)
            seen += 1024
        client.flush()
    assert len(response.body) == 8_000_000


def test_limits_are_options(serve: Serve) -> None:
    server = serve(hello, http2_max_resets=10, http2_max_glitches=20, http2_max_streams=3)
    client = Http2Client(server.connect())
    client.until(lambda: client.settings_seen)
    assert client.h2.remote_settings.max_concurrent_streams == 3
    assert flood(client, frame(PING, 0, 0, b"12345678") * 30) == ENHANCE_YOUR_CALM
    client = Http2Client(server.connect())
    resets = b"".join(
        frame(HEADERS, END_STREAM | END_HEADERS, stream, head(client))
        + frame(RST_STREAM, 0, stream, b"\0\0\0\x08")
        for stream in range(1, 41, 2)
    )
    assert flood(client, resets) == ENHANCE_YOUR_CALM


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ([("x", "y" * 70_000)], 431),
        ([(f"x{n}", "y") for n in range(101)], 431),
        ([("content-type", "a"), ("content-type", "b")], 400),
        ([("host", "other")], 400),
        ([("expect", "magic")], 417),
    ],
)
def test_requests_that_are_refused(
    serve: Serve, fields: list[tuple[str, str]], status: int
) -> None:
    client = Http2Client(serve(hello).connect())
    client.until(lambda: client.settings_seen)
    client.h2.max_outbound_frame_size = 16384
    refused = client.get(headers=fields)
    assert refused.status == status
    assert client.get().body == b"hello"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ([(":method", "CONNECT"), (":authority", "a:1")], 501),
        ([(":method", "CONNECT"), (":protocol", "x"), (":path", "/"), (":scheme", "http")], 501),
        ([(":method", "get"), (":path", "/"), (":scheme", "http")], 501),
        ([(":method", "GET"), (":path", "/#a"), (":scheme", "http")], 400),
    ],
)
def test_pseudo_header_fields_that_are_refused(
    serve: Serve, fields: list[tuple[str, str]], status: int
) -> None:
    client = Http2Client(serve(hello).connect())
    client.until(lambda: client.settings_seen)
    authority = [] if any(name == ":authority" for name, _ in fields) else [(":authority", "a")]
    assert client.response(client.open([*fields, *authority])).status == status
    assert client.get().body == b"hello"


@pytest.mark.parametrize("kind", [DATA, HEADERS])
def test_late_frames_of_streams_that_were_cut_are_dropped(serve: Serve, kind: int) -> None:
    """The client could not know of it yet (RFC 9113 section 5.1)."""
    client = Http2Client(serve(hello).connect())
    assert client.get().body == b"hello"
    cut = range(3, 203, 2)
    malformed = b"\x00\x01A\x01b"
    client.raw.send(b"".join(frame(HEADERS, END_HEADERS, each, malformed) for each in cut))
    late = b"late" if kind == DATA else b"\x00\x01x\x01y"
    client.raw.send(b"".join(frame(kind, END_STREAM | END_HEADERS, each, late) for each in cut))
    resets = b"".join(frame(RST_STREAM, 0, each, b"\0\0\0\1") for each in cut)
    assert client.raw.read_exactly(len(resets)) == resets
    client.raw.send(frame(PING, 0, 0, b"12345678"))
    pong = frame(PING, ACK, 0, b"12345678")
    assert client.raw.read_exactly(len(pong)) == pong


@pytest.mark.parametrize("kind", [DATA, HEADERS])
def test_late_frames_of_streams_that_their_client_has_ended(serve: Serve, kind: int) -> None:
    client = Http2Client(serve(hello).connect())
    client.until(lambda: client.settings_seen)
    stream = client.request()
    client.response(stream)
    late = b"late" if kind == DATA else b"\x00\x01x\x01y"
    assert flood(client, frame(kind, END_STREAM | END_HEADERS, stream, late)) == STREAM_CLOSED
