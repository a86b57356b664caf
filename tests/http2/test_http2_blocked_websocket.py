"""WebSockets over HTTP/2 whose client gives no window: each end is noticed, nobody waits for it."""

import asyncio
from collections.abc import Callable

import pytest
from support.apps import Journal, Receive, Scope, Send, respond
from support.http2 import Http2Client, Http2WebSocket
from support.server import Serve
from support.ws import BINARY, CLOSE, TEXT, close_payload, encode_frame

WINDOW = 65_535
PIECE = 16 * 1024


class Flood:
    """Sends to whoever connects without end, and notes how that ended, and what was received."""

    def __init__(self, pieces: int = 1_000_000) -> None:
        self.journal = Journal()
        self.pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await respond(send, b"hello")
            return
        await receive()
        await send({"type": "websocket.accept"})
        sender = asyncio.create_task(self.flood(send))
        while (message := await receive())["type"] == "websocket.receive":
            self.journal.add(message["text"])
        self.journal.add(message["code"])
        self.journal.add(await sender)

    async def flood(self, send: Send) -> str:
        try:
            for number in range(self.pieces):
                await send({"type": "websocket.send", "bytes": number.to_bytes(4) + bytes(PIECE)})
        except OSError:
            return "gone"
        return "sent"


def blocked(client: Http2Client) -> Http2WebSocket:
    """Return a WebSocket whose window is used up, or which was broken off for it."""
    client.until(lambda: client.settings_seen)
    client.held.add(client.h2.get_next_available_stream_id())
    socket = Http2WebSocket(client)
    response = socket.response
    client.until(lambda: len(response.body) == WINDOW or response.reset is not None)
    return socket


def send_close(client: Http2Client, socket: Http2WebSocket) -> None:
    socket.send_frame(CLOSE, close_payload(4000))


def end(client: Http2Client, socket: Http2WebSocket) -> None:
    socket.end()


def reset(client: Http2Client, socket: Http2WebSocket) -> None:
    client.reset(socket.stream)


def violate(client: Http2Client, socket: Http2WebSocket) -> None:
    client.send(socket.stream, encode_frame(TEXT, b"x", mask=None))


def disconnect(client: Http2Client, socket: Http2WebSocket) -> None:
    client.raw.close()


ENDS: dict[str, tuple[Callable[[Http2Client, Http2WebSocket], None], int]] = {
    "a close frame": (send_close, 4000),
    "the end of its stream": (end, 1006),
    "a reset": (reset, 1006),
    "a violation": (violate, 1002),
    "the end of its connection": (disconnect, 1006),
}


@pytest.mark.parametrize("name", ENDS)
def test_the_application_is_told_of_an_end(serve: Serve, name: str) -> None:
    act, code = ENDS[name]
    flood = Flood()
    server = serve(flood)
    client = Http2Client(server.connect())
    socket = blocked(client)
    socket.send_frame(TEXT, b"before")
    act(client, socket)
    assert [flood.journal.next() for _ in range(3)] == ["before", code, "gone"]
    if name != "the end of its connection":
        assert client.get().body == b"hello"
        client.raw.close()
    assert len(socket.response.body) == WINDOW
    server.wait_idle()


@pytest.mark.parametrize("closes", [False, True])
def test_who_takes_nothing_is_broken_off(serve: Serve, closes: bool) -> None:
    flood = Flood()
    client = Http2Client(serve(flood, send_timeout=4 if closes else 0.1).connect())
    socket = blocked(client)
    if closes:
        send_close(client, socket)
        socket.end()
    assert [flood.journal.next() for _ in range(2)] == [4000 if closes else 1006, "gone"]
    client.until(lambda: socket.response.reset is not None)
    assert client.get().body == b"hello"


@pytest.mark.parametrize("name", ["a close frame", "a violation"])
def test_who_opens_its_window_reads_all_up_to_the_close_frame(serve: Serve, name: str) -> None:
    act, code = ENDS[name]
    flood = Flood()
    client = Http2Client(serve(flood).connect())
    socket = blocked(client)
    act(client, socket)
    assert [flood.journal.next() for _ in range(2)] == [code, "gone"]
    client.held.discard(socket.stream)
    client.give_window(socket.stream, 10_000_000)
    number = 0
    while (frame := socket.read_frame()).opcode == BINARY:
        assert frame.payload[:4] == number.to_bytes(4)
        number += 1
    assert (frame.opcode, frame.payload[:2]) == (CLOSE, code.to_bytes(2))
    if name == "a violation":
        socket.send_frame(CLOSE, close_payload(code))
    socket.end()
    client.until(lambda: socket.response.is_whole)


def test_a_stop_does_not_wait_for_it(serve: Serve) -> None:
    flood = Flood()
    server = serve(flood)
    client = Http2Client(server.connect())
    socket = blocked(client)
    server.shut_down()
    assert [flood.journal.next() for _ in range(2)] == [1012, "gone"]
    client.read_to_end()
    assert len(socket.response.body) == WINDOW
    assert not socket.response.is_whole
    server.join()


def test_pings_that_find_no_window(serve: Serve) -> None:
    flood = Flood()
    server = serve(flood, ping_interval=0.05, ping_timeout=1.5)
    client = Http2Client(server.connect())
    socket = blocked(client)
    client.until(lambda: socket.response.reset is not None)
    assert [flood.journal.next() for _ in range(2)] == [1006, "gone"]
    assert client.get().body == b"hello"


def test_it_is_heard_while_it_takes_nothing(serve: Serve) -> None:
    flood = Flood()
    client = Http2Client(serve(flood).connect())
    socket = blocked(client)
    for number in range(100):
        socket.send_frame(TEXT, b"%d" % number)
    assert [flood.journal.next() for _ in range(100)] == [str(number) for number in range(100)]
    reset(client, socket)
    assert [flood.journal.next() for _ in range(2)] == [1006, "gone"]


def test_a_window_that_settings_open(serve: Serve) -> None:
    flood = Flood(pieces=100)
    client = Http2Client(serve(flood).connect(), initial_window_size=0)
    socket = Http2WebSocket(client)
    assert socket.response.status == 200
    client.held.add(socket.stream)
    for size in (1, 100, 3_000_000):
        client.h2.update_settings({4: size})
        client.flush()
        client.until(lambda size=size: len(socket.response.body) >= min(size, 100 * PIECE))
    for number in range(100):
        assert socket.read_frame().payload[:4] == number.to_bytes(4)
    socket.send_frame(CLOSE, close_payload(1000))
    assert [flood.journal.next() for _ in range(2)] == [1000, "sent"]
    assert socket.read_frame().payload == close_payload(1000)


def test_several_that_share_a_window(serve: Serve) -> None:
    """The connection's window is used up: who leaves makes no room, the others go on with it."""
    flood = Flood(pieces=20)
    client = Http2Client(serve(flood).connect())
    client.give_back_connection = False
    sockets = [Http2WebSocket(client) for _ in range(3)]
    client.until(lambda: sum(len(socket.response.body) for socket in sockets) == WINDOW)
    left = sockets.pop(0)
    client.reset(left.stream)
    assert [flood.journal.next() for _ in range(2)] == [1006, "gone"]
    client.give_back_connection = True
    client.h2.increment_flow_control_window(1_000_000)
    client.flush()
    for socket in sockets:
        for number in range(20):
            assert socket.read_frame().payload[:4] == number.to_bytes(4)
        socket.send_frame(CLOSE, close_payload(1000))
        assert socket.read_frame().payload == close_payload(1000)
        assert [flood.journal.next() for _ in range(2)] == [1000, "sent"]
