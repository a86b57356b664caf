"""The PROXY protocol before the first byte: whose connection it is, and who is refused."""

import contextlib
import logging
import socket
import ssl
import struct
from pathlib import Path
from typing import Any

import pytest
from support.apps import Journal, Receive, Scope, Send, respond
from support.certificates import Authority
from support.raw import RawClient, request
from support.reports import wait_until
from support.server import SECURE, LiveServer, Serve
from support.ws import upgrade

from casgi import _core
from casgi.tls import Certificate, TlsSettings

pytestmark = pytest.mark.skipif(SECURE, reason="the header comes before TLS: tested here")

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
SOURCE, DESTINATION = ("203.0.113.7", 56324), ("198.51.100.1", 443)
VERSION_1 = b"PROXY TCP4 203.0.113.7 198.51.100.1 56324 443\r\n"
ADDRESSES = b"".join(
    [
        *[socket.inet_aton(SOURCE[0]), socket.inet_aton(DESTINATION[0])],
        struct.pack("!HH", SOURCE[1], DESTINATION[1]),
    ]
)
VERSION_2 = SIGNATURE + b"\x21\x11" + struct.pack("!H", 12 + 7) + ADDRESSES + b"\x01\0\x04h2ab"
LOCAL = SIGNATURE + b"\x20\0\0\0"


async def whose(scope: Scope, receive: Receive, send: Send) -> None:
    """Say whom a request is from, and where it went to."""
    await respond(send, repr((tuple(scope["client"]), tuple(scope["server"]))).encode())


EXPECTED = repr((SOURCE, DESTINATION)).encode()


@pytest.mark.parametrize("header", [VERSION_1, VERSION_2], ids=["version 1", "version 2"])
def test_addresses_are_those_of_the_header(serve: Serve, header: bytes) -> None:
    server = serve(whose, proxy_protocol_from="127.0.0.1")
    with server.connect() as client:
        client.send(header + request())
        assert client.read_response().body == EXPECTED
        client.send(request())
        assert client.read_response().body == EXPECTED
    with server.connect() as client:
        client.dribble(header + request())
        assert client.read_response().body == EXPECTED


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", LOCAL], ids=["unknown", "local"])
def test_check_of_the_proxy_itself(serve: Serve, header: bytes) -> None:
    server = serve(whose, proxy_protocol_from="*")
    with server.connect() as client:
        client.send(header + request())
        expected = repr((client.socket.getsockname(), server.address)).encode()
        assert client.read_response().body == expected


def test_websocket(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add(scope["client"])
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": (await receive())["text"]})
        await receive()

    server = serve(application, proxy_protocol_from="127.0.0.1")
    with server.websocket_connect() as client:
        client.send(VERSION_2 + upgrade())
        client.read_accept()
        client.send_text("hello")
        assert client.read_text() == "hello"
        client.finish()
    assert tuple(journal.next()) == SOURCE


def test_headers_are_trusted_by_the_address_of_the_header(serve: Serve) -> None:
    """Not by that of the proxy: who is behind it may be anybody."""
    names = {"proxy_headers_host": "X-Forwarded-For"}
    for trusted, client_host in [("127.0.0.1", SOURCE[0]), (SOURCE[0], "192.0.2.9")]:
        server = serve(whose, proxy_protocol_from="127.0.0.1", trusted_proxies=trusted, **names)
        with server.connect() as client:
            client.send(VERSION_1 + request(headers=["X-Forwarded-For: 192.0.2.9"]))
            assert client_host.encode() in client.read_response().body


def test_tls_behind_the_header(serve: Serve, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    files = authority.issue("localhost")
    settings = TlsSettings((Certificate(files.certificate, files.key),))
    server = serve(
        whose, proxy_protocol_from="127.0.0.1", tls=settings, max_connections_per_address=1
    )
    context = ssl.create_default_context(cafile=authority.certificate)
    with server.connect() as client:
        client.socket.sendall(VERSION_2)
        client.socket = context.wrap_socket(client.socket, server_hostname="localhost")
        client.send(request())
        assert client.read_response().body == EXPECTED


def test_share_is_taken_before_the_handshake(serve: Serve, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    files = authority.issue("localhost")
    settings = TlsSettings((Certificate(files.certificate, files.key),))
    server = serve(
        whose, proxy_protocol_from="127.0.0.1", tls=settings, max_connections_per_address=1
    )
    context = ssl.create_default_context(cafile=authority.certificate)
    with server.connect() as silent, server.connect() as client:
        silent.socket.sendall(VERSION_2 + b"\x16\x03\x01")
        for _ in range(3):  # turns of the server's loop, which has read it by then
            server.count()
        client.socket.sendall(VERSION_2)
        client.socket = context.wrap_socket(client.socket, server_hostname="localhost")
        client.send(request())
        assert client.read_response().status == 503
    server.reports.expect("its address has --max-connections-per-address")
    server.wait_idle()


def refusals(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(record.getMessage() for record in caplog.records)


def assert_closed(client: RawClient) -> None:
    """The server says nothing, and is gone: with a reset, where it has left bytes unread."""
    with contextlib.suppress(ConnectionResetError):
        assert client.socket.recv(1) == b""


@pytest.mark.parametrize(
    "start", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"PROXY TCP4 a b c d\r\n", b"\x16\x03\x01\x00"]
)
def test_what_is_no_header_is_refused(
    serve: Serve, caplog: pytest.LogCaptureFixture, start: bytes
) -> None:
    server = serve(whose, proxy_protocol_from="127.0.0.1")
    with caplog.at_level(logging.INFO), server.connect() as client:
        client.offer(start)
        assert_closed(client)
        wait_until(lambda: "without a valid header of the PROXY" in refusals(caplog), "not said")
    server.wait_idle()


def test_reason_is_said_behind_tls_too(
    serve: Serve, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    files = Authority(tmp_path).issue("localhost")
    settings = TlsSettings((Certificate(files.certificate, files.key),))
    server = serve(whose, proxy_protocol_from="127.0.0.1", tls=settings)
    with caplog.at_level(logging.INFO), server.connect() as client:
        client.offer(b"PROXY TCP4 a b c d\r\n")
        assert_closed(client)
        wait_until(lambda: "without a valid header of the PROXY" in refusals(caplog), "not said")
    server.wait_idle()


def test_peer_that_is_no_proxy_is_refused(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    server = serve(whose, proxy_protocol_from="10.0.0.0/8")
    with caplog.at_level(logging.INFO), server.connect() as client:
        client.offer(VERSION_1 + request())
        assert_closed(client)
        wait_until(lambda: "no proxy of --proxy-protocol-from" in refusals(caplog), "not said")


@pytest.mark.parametrize("start", [b"", VERSION_1[:20], VERSION_2[:20]])
def test_header_has_the_time_of_a_head(serve: Serve, start: bytes) -> None:
    server = serve(whose, proxy_protocol_from="127.0.0.1", header_timeout=0.2)
    with server.connect() as client:
        client.send(start)
        assert_closed(client)


def test_end_inside_the_header(serve: Serve) -> None:
    server = serve(whose, proxy_protocol_from="127.0.0.1")
    with server.connect() as client:
        client.send(VERSION_1[:20])
        client.half_close()
        assert_closed(client)
    server.wait_idle()


def test_peers_on_a_unix_socket_are_proxies(serve: Serve) -> None:
    server: LiveServer = serve(whose, proxy_protocol_from="", family=socket.AF_UNIX)
    with server.connect() as client:
        client.send(VERSION_1 + request())
        assert client.read_response().body == EXPECTED


def test_networks_are_checked() -> None:
    wrong: Any
    for wrong in ("here", "10.0.0.0/33", None):
        with pytest.raises((ValueError, TypeError)):
            _core.ProxyAcceptor(wrong)
    with pytest.raises(TypeError):
        wrong = "127.0.0.1"
        _core.TlsAcceptor(wrong)


def test_share_of_an_address_is_that_of_the_header(serve: Serve) -> None:
    """The proxy brings the connections of many; each of them has a share of its own."""
    server = serve(whose, proxy_protocol_from="127.0.0.1", max_connections_per_address=1)
    other = VERSION_1.replace(b"203.0.113.7", b"203.0.113.8")
    with server.connect() as first, server.connect() as second, server.connect() as third:
        first.send(VERSION_1 + request())
        assert first.read_response().body == EXPECTED
        second.send(other + request())
        assert second.read_response().status == 200
        third.send(VERSION_2 + request())
        assert third.read_response().status == 503
    server.reports.expect("its address has --max-connections-per-address")


def test_share_of_an_address_is_given_back(serve: Serve) -> None:
    server = serve(whose, proxy_protocol_from="127.0.0.1", max_connections_per_address=1)
    for _ in range(3):
        with server.connect() as client:
            client.send(VERSION_1 + request(headers=["Connection: close"]))
            assert client.read_response().body == EXPECTED
        server.wait_idle()
