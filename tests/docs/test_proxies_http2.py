"""The configurations of docs/proxies.md for HTTP/2, run, with clients that speak it to them."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from proxied import BLOCKS, HEADERS, LIES, application, check_websockets, trusting, with_ours
from support.apps import Journal, Receive, Scope, Send
from support.http2 import Http2Client, Http2WebSocket
from support.ports import free_port
from support.proxies import ConfiguredProxy
from support.raw import RawClient
from support.server import SECURE, Serve
from support.ws import CLOSE, TEXT, close_payload

pytestmark = pytest.mark.skipif(SECURE, reason="what the page shows speaks plain HTTP to casgi")

SECURE_BLOCKS = [block for block in BLOCKS if "/etc/ssl" in block[1]]
VERSION_AT_CASGI = {"nginx": "1.1", "haproxy": "2", "caddy": "2"}


class Site:
    """casgi behind one of the proxies, and clients of that."""

    def __init__(self, program: str, port: int, context: ssl.SSLContext, seen: Journal) -> None:
        self.program = program
        self.port = port
        self.context = context
        self.seen = seen
        """What requests and WebSockets were, at casgi: type, version and path; ends that it met."""
        self._clients: list[Http2Client] = []

    def connect(self) -> Http2Client:
        """Return a connection that speaks HTTP/2, over TLS."""
        context = self.context
        context.set_alpn_protocols(["h2"])
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        secure = context.wrap_socket(plain, server_hostname="127.0.0.1")
        assert secure.selected_alpn_protocol() == "h2"
        self._clients.append(client := Http2Client(RawClient(secure)))
        return client

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients:
            client.raw.close()


@pytest.fixture(params=SECURE_BLOCKS, ids=lambda block: block[0])
def site(request: pytest.FixtureRequest, serve: Serve, tmp_path: Path) -> Iterator[Site]:
    program, text = request.param
    seen = Journal()

    async def noting(scope: Scope, receive: Receive, send: Send) -> None:
        seen.add((scope["type"], scope["http_version"], scope["path"]))
        if scope["path"] == "/wait":
            while (message := await receive())["type"] == "http.request":
                pass
            seen.add(message["type"])
        else:
            await application(scope, receive, send)

    family = socket.AF_UNIX if "/run/site.socket" in text else socket.AF_INET
    server = serve(noting, family=family, ws_deflate=True, **HEADERS)
    place = server.path if family == socket.AF_UNIX else f"127.0.0.1:{server.address[1]}"
    port = free_port()
    configuration = with_ours(text, port, place, tmp_path)
    with ConfiguredProxy(program, tmp_path, configuration, port):
        site = Site(program, port, trusting(tmp_path), seen)
        yield site
        site.close()


def test_the_page_has_them() -> None:
    assert [program for program, _ in SECURE_BLOCKS] == ["nginx", "haproxy", "caddy"]


def test_requests(site: Site) -> None:
    """They are their client's, and come in the version that the page says."""
    client = site.connect()
    port = 0 if site.program == "caddy" else client.raw.socket.getsockname()[1]
    for size in (0, 100_000, 900_000):
        body = b"b" * size if size else None
        method = "POST" if size else "GET"
        response = client.get(f"/{size}", method=method, body=body, headers=LIES)
        assert response.status == 200
        assert response.body.decode() == f"127.0.0.1 {port} https {size}"
        assert site.seen.next() == ("http", VERSION_AT_CASGI[site.program], f"/{size}")
    check_many_at_once(site, client)
    check_one_that_is_broken_off(site, client)


def check_many_at_once(site: Site, client: Http2Client) -> None:
    streams = [client.request(f"/{number}") for number in range(60)]
    assert {client.response(stream).status for stream in streams} == {200}
    paths = {site.seen.next()[2] for _ in streams}
    assert paths == {f"/{number}" for number in range(60)}


def check_one_that_is_broken_off(site: Site, client: Http2Client) -> None:
    """The application learns of it, and the request beside it does not."""
    stream = client.request("/wait")
    assert site.seen.next()[2] == "/wait"
    client.reset(stream)
    assert client.get("/beside").status == 200
    assert "http.disconnect" in [site.seen.next(), site.seen.next()]


def test_websockets(site: Site) -> None:
    """Of clients that speak HTTP/1.1 to the proxy."""
    check_websockets(f"wss://127.0.0.1:{site.port}", site.context)
    version = "2" if site.program == "haproxy" else "1.1"
    assert site.seen.next() == ("websocket", version, "/")


@pytest.mark.parametrize("site", [SECURE_BLOCKS[1]], ids=["haproxy"], indirect=True)
def test_websockets_over_http2(site: Site) -> None:
    """HAProxy takes them, and passes each on as one."""
    client = site.connect()
    sockets = [Http2WebSocket(client, f"/{number}") for number in range(20)]
    assert [site.seen.next()[:2] for _ in sockets] == [("websocket", "2")] * 20
    for number, each in enumerate(sockets):
        each.send_frame(TEXT, b"x" * number * 5000)
    for number, each in enumerate(sockets):
        assert each.read_frame().payload == b"x" * number * 5000
        each.send_frame(CLOSE, close_payload(4000))
        assert each.read_frame().payload == close_payload(4000)
