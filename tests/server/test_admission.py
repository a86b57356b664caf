"""Who is let in by the limits of connections, requests and memory; what the others are told."""

import asyncio
import socket

import pytest
from support.apps import Receive, Scope, Send, echo_websocket, respond
from support.raw import request
from support.reports import wait_until
from support.server import Serve
from support.ws import upgrade


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await respond(send, b"hello")


def test_connections_beyond_the_limit_are_told_to_come_again(serve: Serve) -> None:
    server = serve(hello, max_connections=2)
    kept = [server.connect() for _ in range(2)]
    for client in kept:
        client.send(request())
        assert client.read_response().status == 200
    with server.connect() as client:
        client.offer(request())
        response = client.read_response()
        assert response.status == 503
        assert 1 <= int(response.header(b"retry-after") or 0) <= 10
        assert response.header(b"connection") == b"close"
        assert client.read_to_end() == b""
    server.reports.expect("with 503: there are --max-connections")
    kept[0].close()
    wait = server.connect()
    wait.offer(request())
    while (response := wait.read_response()).status == 503:
        wait = server.connect()  # Our end is seen before theirs.
        wait.offer(request())
    assert response.status == 200


def test_websockets_count_and_are_refused_alike(serve: Serve) -> None:
    server = serve(echo_websocket, max_connections=1)
    first = server.websocket()
    with server.connect() as client:
        client.offer(upgrade())
        assert client.read_response().status == 503
    server.reports.expect("there are --max-connections")
    first.send_text("still there")
    assert first.read_text() == "still there"


def test_each_is_told_another_time(serve: Serve) -> None:
    server = serve(hello, max_connections=1)
    with server.connect() as kept:
        kept.send(request())
        kept.read_response()
        times = []
        for _ in range(3):
            response = server.get()
            times.append(response.header(b"retry-after"))
    assert len(set(times)) == 3
    server.reports.expect("there are --max-connections")


def test_address_with_its_share(serve: Serve) -> None:
    server = serve(hello, max_connections_per_address=1)
    with server.connect() as kept:
        kept.send(request())
        assert kept.read_response().status == 200
        assert server.get().status == 503
        with socket.socket() as other:
            other.bind(("127.0.0.9", 0))
            other.connect(server.address)
            if not hasattr(kept.socket, "cipher"):  # It would have to speak TLS too.
                other.sendall(request())
                assert other.recv(64).startswith(b"HTTP/1.1 200")
    server.reports.expect("its address has --max-connections-per-address")


def test_unix_sockets_have_no_share(serve: Serve) -> None:
    server = serve(hello, family=socket.AF_UNIX, max_connections_per_address=1)
    clients = [server.connect() for _ in range(3)]
    for client in clients:
        client.send(request())
        assert client.read_response().status == 200


def test_memory_above_the_ceiling(serve: Serve) -> None:
    server = serve(hello, max_memory=1024)
    assert server.get().status == 503
    server.reports.expect("more memory is in use than --max-memory")
    assert serve(hello, max_memory=1 << 40).get().status == 200


class Gate:
    """An application that answers when it may."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/slow":
            await self.open.wait()
        await respond(send, b"done")


def test_requests_beyond_the_limit_and_the_connection_stays(serve: Serve) -> None:
    gate = Gate()
    server = serve(gate, max_concurrent_requests=1)
    with server.connect() as slow, server.connect() as other:
        slow.send(request("/slow"))
        wait_until(lambda: server.count()[1] == 1, "the slow request has not begun")
        other.send(request(method="POST", headers=["Content-Length: 4"]) + b"body")
        response = other.read_response()
        assert response.status == 503
        assert response.header(b"retry-after") is not None
        server.call(gate.open.set)
        assert slow.read_response().status == 200
        other.send(request())
        assert other.read_response().status == 200
    server.reports.expect("there are --max-concurrent-requests under way")


def test_websockets_are_no_requests_under_way(serve: Serve) -> None:
    server = serve(echo_websocket, max_concurrent_requests=1)
    sockets = [server.websocket() for _ in range(3)]
    for client in sockets:
        client.send_text("hello")
        assert client.read_text() == "hello"


@pytest.mark.parametrize("leaves", [True, False])
def test_places_are_given_back(serve: Serve, leaves: bool) -> None:
    gate = Gate()
    server = serve(gate, max_concurrent_requests=1, max_connections=5)
    for _ in range(20):
        with server.connect() as client:
            client.send(request("/slow" if leaves else "/"))
            if not leaves:
                assert client.read_response().status == 200
        if leaves:
            server.call(gate.open.set)
        server.wait_idle()
        server.call(gate.open.clear)
    assert server.get().status == 200
