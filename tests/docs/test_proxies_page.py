"""The configurations that docs/proxies.md shows, run: what a client, and the application, see."""

import http.client
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from proxied import BLOCKS, HEADERS, LIES, application, check_websockets, with_ours
from support.ports import free_port
from support.proxies import ConfiguredProxy
from support.server import SECURE, Serve

from casgi.config import Config

pytestmark = pytest.mark.skipif(SECURE, reason="what the page shows speaks plain HTTP to casgi")

PLAIN = [block for block in BLOCKS if "443" not in block[1]]
WITH_PROXY_PROTOCOL = [block for block in BLOCKS if "send-proxy" in block[1]]


@pytest.fixture(params=PLAIN, ids=lambda block: block[0])
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
    assert [program for program, _ in PLAIN] == ["nginx", "haproxy", "caddy"]
    assert len(WITH_PROXY_PROTOCOL) == 1


def test_the_proxy_is_the_first_to_close_an_idle_connection() -> None:
    """Else it sends requests into connections that casgi is closing."""
    (caddy,) = [text for program, text in PLAIN if program == "caddy"]
    kept = re.search(r"keepalive (\d+)s$", caddy, re.MULTILINE)
    assert kept is not None
    longest = Config().keep_alive_timeout
    assert longest is not None
    assert int(kept[1]) < longest


def test_requests(proxy: ConfiguredProxy) -> None:
    """A request is its client's, whatever the client says of itself."""
    client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=20)
    for body in (None, b"b" * 100_000):
        client.request("GET" if body is None else "POST", "/", body, dict(LIES))
        response = client.getresponse()
        assert response.status == 200
        port = 0 if "caddy" in proxy.log.name else client.sock.getsockname()[1]
        assert response.read().decode() == f"127.0.0.1 {port} http {len(body or b'')}"
    client.close()


def test_websockets(proxy: ConfiguredProxy) -> None:
    check_websockets(f"ws://127.0.0.1:{proxy.port}")


def test_proxy_protocol(tcp_proxy: ConfiguredProxy) -> None:
    client = http.client.HTTPConnection("127.0.0.1", tcp_proxy.port, timeout=20)
    client.request("GET", "/", headers=dict(LIES))
    port = client.sock.getsockname()[1]
    assert client.getresponse().read().decode() == f"127.0.0.1 {port} http 0"
    client.close()
    check_websockets(f"ws://127.0.0.1:{tcp_proxy.port}")
