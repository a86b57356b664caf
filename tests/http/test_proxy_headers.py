"""Which hop of X-Forwarded-For is the client, and whom the server believes."""

import socket
from typing import Any

import pytest
from support.apps import Journal, Receive, Scope, Send, respond
from support.raw import request
from support.server import LiveServer, Serve
from support.ws import upgrade

LOOPBACK = "127.0.0.0/8,::1"
INSIDE = LOOPBACK + ",10.0.0.0/8,fd00::/8"


def start(serve: Serve, journal: Journal, trusted: str, **options: object) -> LiveServer:
    """Serve an application that notes the scope of every request."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add(scope)
        if scope["type"] == "http":
            await respond(send)
        else:
            await receive()
            await send({"type": "websocket.close"})

    names = {"proxy_headers_host": "X-Forwarded-For", "proxy_headers_port": "X-Forwarded-Port"}
    return serve(application, trusted_proxies=trusted, **names, **options)


def client_of(serve: Serve, trusted: str, *headers: str) -> object:
    """Return the client of a request with these headers, "peer" for the one that is connected."""
    journal = Journal()
    server = start(serve, journal, trusted)
    with server.connect() as client:
        client.send(request(headers=headers))
        client.read_response()
        peer = client.socket.getsockname()[:2]
    told = tuple(journal.next()["client"])
    return "peer" if told == peer else told


@pytest.mark.parametrize(
    ("trusted", "value", "expected"),
    [
        ("*", "192.0.2.1, 192.0.2.2, 10.0.0.1", ("192.0.2.1", 0)),
        (INSIDE, "192.0.2.1, 192.0.2.2, 10.0.0.1", ("192.0.2.2", 0)),
        (INSIDE, "192.0.2.1, 10.0.0.2, 10.0.0.1", ("192.0.2.1", 0)),
        (INSIDE, "10.0.0.2, 10.0.0.1", ("10.0.0.2", 0)),
        (INSIDE, "::ffff:10.0.0.2, fd00::1", ("::ffff:10.0.0.2", 0)),
        (INSIDE, "192.0.2.1, [fd00::1]:80", ("192.0.2.1", 0)),
        (LOOPBACK, "192.0.2.1, 10.0.0.1", ("10.0.0.1", 0)),
        ("", "192.0.2.1", "peer"),
        ("10.0.0.0/8", "192.0.2.1", "peer"),
        ("*", "192.0.2.1:4321", ("192.0.2.1", 4321)),
        ("*", "[2001:DB8::1]:4321", ("2001:db8::1", 4321)),
        ("*", "[2001:db8::1]", ("2001:db8::1", 0)),
        ("*", "2001:db8::1", ("2001:db8::1", 0)),
        ("*", "192.0.2.1,,", ("192.0.2.1", 0)),
        ("*", "unknown, 192.0.2.1", ("192.0.2.1", 0)),
        ("*", "", "peer"),
        ("*", ",", "peer"),
        ("*", "unknown", "peer"),
        ("*", "192.0.2.1.5", "peer"),
        ("*", "192.0.2.1:", "peer"),
        ("*", "192.0.2.1:70000", "peer"),
        ("*", "192.0.2.1:-1", "peer"),
        ("*", "[192.0.2.1]", "peer"),
        ("*", "[2001:db8::1", "peer"),
        ("*", "[2001:db8::1]80", "peer"),
        ("*", "<script>", "peer"),
        ("*", "1" * 5000, "peer"),
    ],
)
def test_hop_that_is_the_client(serve: Serve, trusted: str, value: str, expected: object) -> None:
    assert client_of(serve, trusted, f"X-Forwarded-For: {value}") == expected


def test_hops_of_several_lines_are_one_list(serve: Serve) -> None:
    lines = [f"X-Forwarded-For: {hops}" for hops in ("192.0.2.9", "192.0.2.1", "10.0.0.1")]
    assert client_of(serve, INSIDE, *lines) == ("192.0.2.1", 0)


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        (["443"], 443),
        ([], 99),
        (["x"], 99),
        (["65536"], 99),
        (["00000000000000000000080"], 80),
        (["1", "2"], 99),
    ],
)
def test_port_header_stands_above_the_port_of_the_hop(
    serve: Serve, ports: list[str], expected: int
) -> None:
    headers = ["X-Forwarded-For: 192.0.2.1:99", *(f"X-Forwarded-Port: {port}" for port in ports)]
    assert client_of(serve, "*", *headers) == ("192.0.2.1", expected)


@pytest.mark.plain
@pytest.mark.parametrize(
    ("values", "is_secure"),
    [
        (["https"], True),
        (["HTTPS"], True),
        (["wss"], True),
        (["http"], False),
        (["ws"], False),
        (["https, http"], False),
        (["https", "http"], False),
        (["javascript"], False),
        ([""], False),
    ],
)
def test_scheme(serve: Serve, values: list[str], is_secure: bool) -> None:
    journal = Journal()
    server = start(serve, journal, "*")
    headers = ["X-Forwarded-For: unknown", *(f"X-Forwarded-Proto: {value}" for value in values)]
    for data in (request(headers=headers), upgrade(headers=headers)):
        with server.connect() as client:
            client.send(data)
            client.read_head()
    schemes = [journal.next()["scheme"] for _ in range(2)]
    assert schemes == (["https", "wss"] if is_secure else ["http", "ws"])


@pytest.mark.plain
@pytest.mark.parametrize(
    ("hops", "schemes", "ports", "expected"),
    [
        ("192.0.2.1, 10.0.0.1", "https, http", "443, 80", ("https", 443)),
        ("192.0.2.1, 10.0.0.1", "http, https", "80,443", ("http", 80)),
        ("192.0.2.1, 10.0.0.1", "https", "443", ("https", 443)),
        ("192.0.2.1, 10.0.0.2, 10.0.0.1", "https, HTTPS", "443, 443", ("https", 443)),
        ("192.0.2.1, 10.0.0.2, 10.0.0.1", "https, http", "443, 80", ("http", 0)),
        ("192.0.2.9, 192.0.2.1", "https, http", "443, 80", ("http", 80)),
        ("192.0.2.1", "https, http", "443, 80", ("http", 80)),
        ("192.0.2.1, 10.0.0.1", ", https, , http", "443,80,", ("https", 443)),
        ("192.0.2.1, 10.0.0.1", "javascript, https", "x, 80", ("http", 0)),
    ],
)
def test_lists_to_which_each_proxy_has_added(
    serve: Serve, hops: str, schemes: str, ports: str, expected: tuple[str, int]
) -> None:
    journal = Journal()
    server = start(serve, journal, INSIDE)
    headers = [
        f"X-Forwarded-For: {hops}",
        f"X-Forwarded-Proto: {schemes}",
        f"X-Forwarded-Port: {ports}",
    ]
    with server.connect() as client:
        client.send(request(headers=headers))
        client.read_response()
    scope = journal.next()
    assert scope["client"][0] == "192.0.2.1"
    assert (scope["scheme"], scope["client"][1]) == expected


def test_each_request_of_a_connection_has_its_own_client(serve: Serve) -> None:
    journal = Journal()
    server = start(serve, journal, "*")
    with server.connect() as client:
        for number in (1, 2):
            client.send(request(headers=[f"X-Forwarded-For: 192.0.2.{number}"]))
            client.read_response()
        client.send(request())
        client.read_response()
        peer = client.socket.getsockname()[:2]
    clients = [tuple(journal.next()["client"]) for _ in range(3)]
    assert clients == [("192.0.2.1", 0), ("192.0.2.2", 0), peer]


@pytest.mark.parametrize("trusted", ["*", "", "192.0.2.0/24"])
def test_peer_on_a_unix_socket_is_believed(serve: Serve, trusted: str) -> None:
    journal = Journal()
    server = start(serve, journal, trusted, family=socket.AF_UNIX)
    server.get("/", "X-Forwarded-For: 203.0.113.1", "Daphne-Root-Path: /below")
    scope = journal.next()
    assert tuple(scope["client"]) == ("203.0.113.1", 0)
    assert scope["root_path"] == "/below"


@pytest.mark.parametrize(("trusted", "expected"), [("::1", "/theirs"), ("127.0.0.1", "/own")])
def test_peer_on_ipv6(serve: Serve, trusted: str, expected: str) -> None:
    journal = Journal()
    server = start(serve, journal, trusted, family=socket.AF_INET6, root_path="/own")
    server.get("/", "Daphne-Root-Path: /theirs")
    assert journal.next()["root_path"] == expected


# --- RFC 7239, and the host ---


def seen(serve: Serve, trusted: str, *headers: str, **options: object) -> dict[str, Any]:
    """Return the scope of a request with these headers."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add(scope)
        await respond(send)

    server = serve(application, trusted_proxies=trusted, **options)
    with server.connect() as client:
        client.send(request(headers=headers))
        client.read_response()
    scope: dict[str, Any] = journal.next()
    return scope


def hosts(scope: dict[str, Any]) -> list[bytes]:
    return [value for name, value in scope["headers"] if name == b"host"]


FORWARDED = 'Forwarded: for="[2001:db8::1]:4321";proto=https;host=a.example'


def test_forwarded_names_client_and_scheme(serve: Serve) -> None:
    scope = seen(serve, LOOPBACK, FORWARDED, "X-Forwarded-For: 192.0.2.9", forwarded=True)
    assert tuple(scope["client"]) == ("2001:db8::1", 4321)
    assert scope["scheme"] == "https"
    assert hosts(scope) != [b"a.example"]


def test_forwarded_of_anybody_else_is_ignored(serve: Serve) -> None:
    options = {"forwarded": True, "forwarded_host": True}
    scope = seen(serve, "10.0.0.0/8", FORWARDED, **options)
    assert scope["client"][0] == "127.0.0.1"
    assert hosts(scope) != [b"a.example"]


def test_forwarded_is_not_read_unless_asked_for(serve: Serve) -> None:
    assert client_of(serve, "*", FORWARDED) == "peer"


@pytest.mark.parametrize(
    ("header", "options"),
    [
        (FORWARDED, {"forwarded": True}),
        (
            "X-Forwarded-Host: a.example",
            {"proxy_headers_host": "X-Forwarded-For"},
        ),
    ],
)
def test_host_that_the_proxy_was_asked_for(
    serve: Serve, header: str, options: dict[str, Any]
) -> None:
    scope = seen(serve, "*", "X-Forwarded-For: 192.0.2.1", header, forwarded_host=True, **options)
    assert hosts(scope) == [b"a.example"]
