"""`client` and `server` of the scope, for each kind of socket."""

import socket

import pytest
from support.apps import Journal, Receive, Scope, Send, respond
from support.raw import RawClient, request
from support.server import LiveServer, Serve
from support.ws import upgrade


def recording(journal: Journal) -> object:
    """Return an application for both protocols that notes its scope and refuses or answers."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add(scope)
        if scope["type"] == "http":
            await respond(send)
        else:
            await receive()
            await send({"type": "websocket.close"})

    return application


def scope_over(server: LiveServer, journal: Journal, data: bytes) -> tuple[Scope, RawClient]:
    """Return the scope that these bytes make, and the client that sent them."""
    client = server.connect()
    client.send(data)
    client.read_head()
    scope = journal.next()
    assert isinstance(scope, dict)
    return scope, client


@pytest.mark.parametrize("data", [request(), upgrade()], ids=["http", "websocket"])
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6], ids=["IPv4", "IPv6"])
def test_tcp(serve: Serve, family: socket.AddressFamily, data: bytes) -> None:
    journal = Journal()
    server = serve(recording(journal), family=family)
    scope, client = scope_over(server, journal, data)
    assert list(scope["client"]) == list(client.socket.getsockname()[:2])
    assert list(scope["server"]) == list(client.socket.getpeername()[:2])
    for host, port in (scope["client"], scope["server"]):
        assert type(host) is str
        assert type(port) is int


@pytest.mark.parametrize("data", [request(), upgrade()], ids=["http", "websocket"])
def test_unix_socket(serve: Serve, data: bytes) -> None:
    journal = Journal()
    server = serve(recording(journal), family=socket.AF_UNIX)
    scope, _ = scope_over(server, journal, data)
    assert scope["client"] is None
    assert list(scope["server"]) == [server.path, None]


def test_unix_socket_keeps_alive_and_streams(serve: Serve) -> None:
    body = b"x" * 300_000

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, body)

    with serve(application, family=socket.AF_UNIX).connect() as client:
        client.send(request() + request())
        assert client.read_response().body == body
        assert client.read_response().body == body


def test_each_connection_has_its_own_client_address(serve: Serve) -> None:
    journal = Journal()
    server = serve(recording(journal))
    ports = set()
    for _ in range(3):
        scope, client = scope_over(server, journal, request())
        assert scope["client"][1] == client.socket.getsockname()[1]
        ports.add(scope["client"][1])
    assert len(ports) == 3
