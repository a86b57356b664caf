"""Connections dropped at every byte: nothing of them is left, and the server goes on.

The fixtures check after each test that every object of the core is gone again.
"""

import threading

import pytest
from support.apps import DEADLINE, Receive, Scope, Send
from support.raw import RawClient, request
from support.server import Serve
from support.ws import BINARY, CLOSE, PING, TEXT, close_payload, encode_frame, upgrade

PLAIN = request("/a%20b?c", headers=["X-Header: value"]) + request()
UPLOAD = request(method="POST", headers=["Expect: 100-continue"], body=b"a body of the request")
CHUNKED = request(method="POST", headers=["Transfer-Encoding: chunked"])
CHUNKED += b"5;extension\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n"
MESSAGES = (
    encode_frame(TEXT, b"whole")
    + encode_frame(TEXT, "frag é".encode()[:6], fin=False)
    + encode_frame(PING, b"ping")
    + encode_frame(0, "frag é".encode()[6:])
    + encode_frame(BINARY, b"x" * 130)
    + encode_frame(CLOSE, close_payload(3000, "bye"))
)
WEBSOCKET = upgrade(headers=["Sec-WebSocket-Protocol: a, b"]) + MESSAGES

WIRES = {"plain": PLAIN, "upload": UPLOAD, "chunked": CHUNKED, "websocket": WEBSOCKET}


async def patient(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve both protocols, answer what comes, and take every disconnect for an end."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept", "subprotocol": "b"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({**message, "type": "websocket.send"})
        return
    while (message := await receive())["type"] == "http.request":
        if not message.get("more_body", False):
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": b"one ", "more_body": True})
            await send({"type": "http.response.body", "body": b"two"})
            return


def drop(client: RawClient, leave: str) -> None:
    """Leave in this way."""
    if leave == "half":
        client.half_close()
        client.read_to_end()
    getattr(client, "reset" if leave == "reset" else "close")()


@pytest.mark.parametrize("leave", ["close", "reset", "half"])
@pytest.mark.parametrize("name", WIRES)
def test_at_every_byte(serve: Serve, name: str, leave: str) -> None:
    server = serve(patient)
    wire = WIRES[name]
    for cut in range(len(wire) + 1):
        client = server.connect()
        client.send(wire[:cut])
        drop(client, leave)
    server.forget_clients()
    server.wait_idle()
    assert server.get().body == b"one two"


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_at_every_byte_behind_an_accepted_handshake(serve: Serve, leave: str) -> None:
    """The WebSocket is open for certain, so that it is the session which sees the end."""
    server = serve(patient)
    for cut in range(len(MESSAGES) + 1):
        client = server.websocket_connect()
        client.send(upgrade(headers=["Sec-WebSocket-Protocol: a, b"]))
        client.read_accept()
        client.send(MESSAGES[:cut])
        drop(client, leave)
    server.forget_clients()
    server.wait_idle()


@pytest.mark.parametrize("leave", ["close", "reset"])
@pytest.mark.parametrize("name", WIRES)
def test_gone_before_the_server_looks(serve: Serve, name: str, leave: str) -> None:
    """Bytes and the end lie in the socket together, so that it is the first write which fails.

    The application lets ClientDisconnected out, and that is no error to be logged.
    """
    server = serve(patient)
    release = threading.Event()
    server.loop.call_soon_threadsafe(release.wait, DEADLINE)
    for _ in range(5):
        client = server.connect()
        client.send(WIRES[name])
        drop(client, leave)
    release.set()
    server.forget_clients()
    server.wait_idle()


def test_the_server_stops_in_the_middle_of_everything(serve: Serve) -> None:
    """One connection at every byte of every kind, all open at once when the server shuts down."""
    server = serve(patient)
    for wire in WIRES.values():
        for cut in range(0, len(wire), 7):
            server.connect().send(wire[:cut])
    assert server.get().body == b"one two"
    server.stop()


def test_abort_in_the_middle_of_everything(serve: Serve) -> None:
    server = serve(patient)
    for wire in WIRES.values():
        for cut in range(0, len(wire), 7):
            server.connect().send(wire[:cut])
    assert server.get().body == b"one two"
    server.call(server.engine.abort)
    server.wait_idle()
