"""WebSockets over HTTP/2 (RFC 8441): what holds over HTTP/1.1 holds here."""

from support.apps import Journal, Receive, Scope, Send
from support.http2 import Http2Client, Http2WebSocket
from support.server import Serve
from support.ws import CLOSE, PING, PONG, TEXT, close_payload


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})


def test_scope(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add(scope)
        await receive()
        await send({"type": "websocket.accept", "subprotocol": "b", "headers": [(b"x", b"y")]})
        journal.add(await receive())

    client = Http2Client(serve(application).connect())
    socket = Http2WebSocket(client, "/chat?a=1", headers=[("sec-websocket-protocol", "a, b")])
    assert socket.response.status == 200
    assert socket.response.header(b"sec-websocket-protocol") == b"b"
    assert socket.response.header(b"x") == b"y"
    assert socket.response.header(b"sec-websocket-accept") is None
    scope = journal.next()
    assert scope["type"] == "websocket"
    assert (scope["http_version"], scope["scheme"], scope["path"]) == ("2", "ws", "/chat")
    assert scope["subprotocols"] == ["a", "b"]
    socket.send_frame(CLOSE, close_payload(1000))
    assert journal.next() == {"type": "websocket.disconnect", "code": 1000, "reason": ""}
    assert socket.read_frame().payload == close_payload(1000)
    client.until(lambda: socket.response.is_whole)


def test_messages_pings_and_closing(serve: Serve) -> None:
    client = Http2Client(serve(echo).connect())
    socket = Http2WebSocket(client)
    for text in (b"", b"hello", b"x" * 70_000):
        socket.send_frame(TEXT, text)
        assert socket.read_frame().payload == text
    socket.send_frame(PING, b"1")
    assert socket.read_frame().opcode == PONG
    socket.send_frame(CLOSE, close_payload(4001))
    assert socket.read_frame().payload == close_payload(4001)
    client.until(lambda: socket.response.is_whole)


def test_hundreds_on_one_connection(serve: Serve) -> None:
    client = Http2Client(serve(echo, http2_max_streams=500).connect())
    sockets = [Http2WebSocket(client, f"/{n}") for n in range(300)]
    for n, socket in enumerate(sockets):
        socket.send_frame(TEXT, b"%d" % n)
    assert [socket.read_frame().payload for socket in sockets] == [b"%d" % n for n in range(300)]
