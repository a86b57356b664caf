"""The configurations that docs/proxies.md shows, run: what a client, and the application, see."""

import http.client
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import snippets
from support.apps import Receive, Scope, Send, echo_websocket, read_body, respond
from support.proxies import ConfiguredProxy
from support.server import SECURE, Serve
from support.server_process import free_port
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

pytestmark = pytest.mark.skipif(SECURE, reason="what the page shows speaks plain HTTP to casgi")

HEADERS = {"proxy_headers_host": "X-Forwarded-For", "proxy_headers_port": "X-Forwarded-Port"}
BLOCKS = {
    program: [(program, text) for text in snippets.of_page("docs/proxies.md", program)]
    for program in ("nginx", "haproxy", "caddy")
}
WITH_HEADERS = [block for blocks in BLOCKS.values() for block in blocks if "socket" in block[1]]
WITH_PROXY_PROTOCOL = [block for block in BLOCKS["haproxy"] if "send-proxy" in block[1]]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Echo WebSocket messages; say what is known of a request, and how long its body is."""
    if scope["type"] == "websocket":
        if scope["path"] == "/close":
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": 4321, "reason": "enough"})
        else:
            await echo_websocket(scope, receive, send)
        return
    size = len(await read_body(receive))
    host, port = scope["client"]
    await respond(send, f"{host} {port} {scope['scheme']} {size}".encode())


def with_ours(text: str, port: int, upstream: object) -> str:
    """Return a configuration with the ports and the path of a test, each of which it must name."""
    place = str(upstream)
    text, ports = re.subn(r"(listen |bind ):?(80|443)\b", rf"\g<1>127.0.0.1:{port}", text)
    text, sites = re.subn(r"^:80\b", f"http://127.0.0.1:{port}", text, flags=re.MULTILINE)
    text, places = re.subn(r"/run/site\.socket|127\.0\.0\.1:8000", lambda _: place, text)
    assert (ports + sites, places) == (1, 1), text
    return text


@pytest.fixture(params=WITH_HEADERS, ids=lambda block: block[0])
def proxy(
    request: pytest.FixtureRequest, serve: Serve, tmp_path: Path
) -> Iterator[ConfiguredProxy]:
    server = serve(application, family=socket.AF_UNIX, ws_deflate=True, **HEADERS)
    program, text = request.param
    port = free_port()
    with ConfiguredProxy(program, tmp_path, with_ours(text, port, server.path), port) as running:
        yield running


@pytest.fixture(params=WITH_PROXY_PROTOCOL, ids=lambda block: block[0])
def tcp_proxy(
    request: pytest.FixtureRequest, serve: Serve, tmp_path: Path
) -> Iterator[ConfiguredProxy]:
    server = serve(application, ws_deflate=True, proxy_protocol_from="127.0.0.1")
    program, text = request.param
    port = free_port()
    upstream = f"127.0.0.1:{server.address[1]}"
    with ConfiguredProxy(program, tmp_path, with_ours(text, port, upstream), port) as running:
        yield running


def test_the_page_has_them() -> None:
    assert [program for program, _ in WITH_HEADERS] == ["nginx", "haproxy", "caddy"]
    assert len(WITH_PROXY_PROTOCOL) == 1


def check_requests(proxy: ConfiguredProxy, *, has_port: bool) -> None:
    """A request is its client's, whatever the client says of itself."""
    client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=20)
    lies = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}
    for body in (None, b"b" * 100_000):
        client.request("GET" if body is None else "POST", "/", body, lies)
        response = client.getresponse()
        assert response.status == 200
        port = client.sock.getsockname()[1] if has_port else 0
        assert response.read().decode() == f"127.0.0.1 {port} http {len(body or b'')}"
    client.close()


def check_websockets(proxy: ConfiguredProxy) -> None:
    """Messages of all sizes pass, compressed, and the close code does."""
    with connect(f"ws://127.0.0.1:{proxy.port}/") as client:
        assert [one.name for one in client.protocol.extensions] == ["permessage-deflate"]
        for message in ("short", "long " * 50_000, bytes(range(256)) * 1000):
            client.send(message)
            assert client.recv(20) == message
    with connect(f"ws://127.0.0.1:{proxy.port}/close") as client:
        with pytest.raises(ConnectionClosedError) as closed:
            client.recv(20)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4321, "enough")


def test_requests(proxy: ConfiguredProxy) -> None:
    check_requests(proxy, has_port="caddy" not in proxy.log.name)


def test_websockets(proxy: ConfiguredProxy) -> None:
    check_websockets(proxy)


def test_proxy_protocol(tcp_proxy: ConfiguredProxy) -> None:
    client = http.client.HTTPConnection("127.0.0.1", tcp_proxy.port, timeout=20)
    client.request("GET", "/", headers={"X-Forwarded-For": "192.0.2.1"})
    port = client.sock.getsockname()[1]
    assert client.getresponse().read().decode() == f"127.0.0.1 {port} http 0"
    client.close()
    check_websockets(tcp_proxy)
