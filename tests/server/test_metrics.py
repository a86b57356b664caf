"""What a server counts, read from another thread than its own."""

from typing import Any

from support.apps import Receive, Scope, Send, hello
from support.raw import request
from support.reports import wait_until
from support.server import LiveServer, Serve


def metrics(server: LiveServer) -> dict[str, int]:
    counted: Any = server.engine.server.metrics()
    return {name: count for name, count in counted.items() if count}


def test_requests(serve: Serve) -> None:
    server = serve(hello)
    assert metrics(server) == {}
    with server.connect() as client:
        for _ in range(3):
            client.send(request())
            client.read_response()
    assert metrics(server) == {"connections": 1, "requests": 3}


def test_what_is_refused(serve: Serve) -> None:
    server = serve(hello)
    assert server.exchange(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").status == 400
    assert metrics(server) == {"connections": 1, "requests": 1, "requests_refused": 1}


async def group_echo(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.group.add", "group": "all"})
    await send({"type": "websocket.send", "text": "in"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.group.send", "group": "all", "text": event["text"]})


def test_messages(serve: Serve) -> None:
    server = serve(group_echo)
    clients = [server.websocket() for _ in range(3)]
    for client in clients:
        assert client.read_text() == "in"
    clients[0].send_text("hello")
    for client in clients:
        assert client.read_text() == "hello"
    assert metrics(server) == {
        "connections": 3,
        "requests": 3,
        "websockets": 3,
        "messages_received": 1,
        "message_bytes_received": 5,
        "messages_sent": 6,
        "message_bytes_sent": 3 * 2 + 3 * 5,
    }


def test_closed_server_has_counted_nothing(serve: Serve) -> None:
    server = serve(hello)
    core = server.engine.server
    server.get()
    wait_until(lambda: server.count() == (0, 0), "a connection is left")
    server.stop()
    assert set(core.metrics().values()) == {0}
