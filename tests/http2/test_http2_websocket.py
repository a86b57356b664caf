"""WebSockets over HTTP/2 (RFC 8441): what holds over HTTP/1.1 holds here."""

import pytest
from support.apps import Gate, Journal, Receive, Scope, Send
from support.django_settings import configure_django
from support.http2 import Http2Client, Http2WebSocket, websocket_handshake
from support.server import Serve
from support.ws import BINARY, CLOSE, PING, PONG, TEXT, close_payload, encode_frame

configure_django()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.layers import InMemoryChannelLayer, channel_layers  # noqa: E402


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


def test_frames_that_come_before_the_answer(serve: Serve) -> None:
    gate = Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await gate.wait()
        await echo(scope, receive, send)

    client = Http2Client(serve(application).connect())
    socket = Http2WebSocket(client, waits=False)
    socket.send_frame(TEXT, b"early")
    client.h2.ping(b"12345678")
    client.flush()
    gate.open()
    assert socket.read_frame().payload == b"early"


def test_a_handshake_that_is_denied(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        if scope["path"] == "/response":
            await send({"type": "websocket.http.response.start", "status": 401})
            await send({"type": "websocket.http.response.body", "body": b"no"})
        else:
            await send({"type": "websocket.close"})

    client = Http2Client(serve(application).connect())
    assert Http2WebSocket(client).response.status == 403
    socket = Http2WebSocket(client, "/response")
    assert (client.response(socket.stream).status, socket.response.body) == (401, b"no")
    version = Http2WebSocket(client, version="12")
    assert version.response.status == 426


def test_a_stream_that_ends_without_a_close_frame(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        journal.add((await receive())["code"])

    client = Http2Client(serve(application).connect())
    ended, reset = Http2WebSocket(client), Http2WebSocket(client)
    ended.end()
    assert journal.next() == 1006
    client.until(lambda: ended.response.is_whole)
    client.reset(reset.stream)
    assert journal.next() == 1006


async def deny(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close"})


def test_who_is_denied_and_does_not_leave_is_broken_off(serve: Serve) -> None:
    server = serve(deny)
    client = Http2Client(server.connect())
    socket = Http2WebSocket(client)
    client.until(lambda: socket.response.reset == 0)
    assert (socket.response.status, socket.response.is_whole) == (403, True)


@pytest.mark.parametrize("who_ends", ["client", "server"])
def test_who_is_denied_holds_up_no_end(serve: Serve, who_ends: str) -> None:
    server = serve(deny)
    client = Http2Client(server.connect())
    assert Http2WebSocket(client).response.status == 403
    if who_ends == "client":
        client.raw.half_close()
        server.wait_idle()
    else:
        server.stop()


@pytest.mark.parametrize("accepts", [True, False])
def test_a_stream_that_ends_with_its_handshake(serve: Serve, accepts: bool) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        if accepts:
            await send({"type": "websocket.accept"})
        journal.add((await receive())["code"])

    client = Http2Client(serve(application).connect())
    client.until(lambda: client.h2.remote_settings.enable_connect_protocol)
    stream = client.open(websocket_handshake("/"), ends=True)
    assert journal.next() == 1006
    response = client.response(stream)
    assert response.is_whole is accepts


def test_a_violation_ends_its_stream_alone(serve: Serve) -> None:
    client = Http2Client(serve(echo).connect())
    bad, good = Http2WebSocket(client), Http2WebSocket(client)
    bad.client.send(bad.stream, encode_frame(TEXT, b"x", mask=None))
    assert bad.read_frame().payload[:2] == (1002).to_bytes(2)
    client.until(lambda: bad.response.is_whole or bad.response.reset is not None)
    good.send_frame(TEXT, b"still here")
    assert good.read_frame().payload == b"still here"


def test_a_silent_socket_is_cut_though_others_talk(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            pass
        journal.add((scope["path"], message["code"]))

    server = serve(application, ping_interval=0.05, ping_timeout=2.5)
    client = Http2Client(server.connect())
    silent, talking = Http2WebSocket(client, "/silent"), Http2WebSocket(client, "/talking")
    while silent.response.reset is None:
        if talking.response.body:
            talking.send_frame(PONG, talking.read_frame().payload)
        else:
            client.step()
    assert journal.next() == ("/silent", 1006)
    talking.send_frame(CLOSE, close_payload(1000))
    assert journal.next() == ("/talking", 1000)


class Room:
    """Members of a group, and a speaker who sends it as many messages as it is told."""

    def __init__(self) -> None:
        self.journal = Journal()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        if scope["path"] != "/speaker":
            await send({"type": "websocket.group.add", "group": "a"})
        self.journal.add("ready")
        while (event := await receive())["type"] == "websocket.receive":
            for number in range(int(event["text"])):
                payload = b"%8d" % number + bytes(1016)
                await send({"type": "websocket.group.send", "group": "a", "bytes": payload})
            self.journal.add("said")
        self.journal.add(event["code"])


def test_fan_out_to_a_hundred_on_one_connection(serve: Serve) -> None:
    room = Room()
    client = Http2Client(serve(room, http2_max_streams=200).connect())
    members = [Http2WebSocket(client, "/member") for _ in range(100)]
    speaker = Http2WebSocket(client, "/speaker")
    for _ in range(101):
        assert room.journal.next() == "ready"
    speaker.send_frame(TEXT, b"5")
    for member in members:
        for number in range(5):
            frame = member.read_frame()
            assert (frame.opcode, frame.payload[:8]) == (BINARY, b"%8d" % number)


@pytest.mark.parametrize("policy", ["close", "drop-oldest", "drop-newest"])
def test_a_slow_member_is_a_slow_stream(serve: Serve, policy: str) -> None:
    room = Room()
    server = serve(room, slow_consumer=policy, write_backlog_limit=64 * 1024)
    client = Http2Client(server.connect())
    slow, quick = Http2WebSocket(client, "/slow"), Http2WebSocket(client, "/quick")
    speaker = Http2WebSocket(client, "/speaker")
    client.held.add(slow.stream)
    for _ in range(3):
        assert room.journal.next() == "ready"
    for _ in range(30):
        speaker.send_frame(TEXT, b"10")
        for number in range(10):
            assert quick.read_frame().payload[:8] == b"%8d" % number
    counted = server.call(lambda: server.engine.server.slow_consumers)  # type: ignore[attr-defined]
    assert sum(counted.values()) > 0
    client.held.discard(slow.stream)
    client.give_window(slow.stream, 1_000_000)
    got = []
    while not got or got[-1].opcode == BINARY:
        if len(got) == 64 and policy != "close":
            break
        got.append(slow.read_frame())
    assert all(len(frame.payload) == 1024 for frame in got if frame.opcode == BINARY)
    if policy == "close":
        assert got[-1].payload[:2] == (1008).to_bytes(2)


class Shout(AsyncWebsocketConsumer):
    """A consumer of Channels, as it stands in projects."""

    groups = ["shout"]

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.channel_layer.group_send("shout", {"type": "said", "text": text_data})

    async def said(self, event: dict[str, str]) -> None:
        await self.send(event["text"])


def test_consumers_of_channels(serve: Serve) -> None:
    layer = InMemoryChannelLayer()
    Shout.channel_layer_alias = "default"
    channel_layers.set("default", layer)
    client = Http2Client(serve(Shout.as_asgi()).connect())
    members = [Http2WebSocket(client) for _ in range(3)]
    members[0].send_frame(TEXT, b"hello")
    assert [member.read_frame().payload for member in members] == [b"hello"] * 3
