"""Requests and responses over HTTP/2: what applications see of it, and what clients get."""

import ssl
from pathlib import Path

import pytest
from support.apps import Journal, Receive, Scope, Send, read_body, respond
from support.certificates import Authority
from support.http2 import PREFACE, Http2Client
from support.server import Serve

from casgi.tls import Certificate, TlsSettings


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    await respond(send, await read_body(receive), headers=[(b"X-Path", scope["raw_path"])])


def test_scope(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add(scope)
        await respond(send, b"hello")

    client = Http2Client(serve(application).connect())
    response = client.get(
        "/a%20b?x=1", headers=[("x-one", "1"), ("cookie", "a=1"), ("cookie", "b=2")]
    )
    assert (response.status, bytes(response.body)) == (200, b"hello")
    assert response.header(b"content-length") == b"5"
    scope = journal.next()
    assert scope["http_version"] == "2"
    assert (scope["method"], scope["scheme"]) == ("GET", "http")
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/a b", b"/a%20b", b"x=1")
    assert scope["headers"] == [(b"host", b"test"), (b"x-one", b"1"), (b"cookie", b"a=1; b=2")]


@pytest.mark.parametrize("size", [0, 1, 16384, 3_000_000])
def test_bodies_both_ways(serve: Serve, size: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    client = Http2Client(serve(echo).connect())
    response = client.get("/", method="POST", body=body)
    assert response.status == 200
    assert response.body == body
    assert response.header(b"x-path") == b"/"


def test_many_at_once(serve: Serve) -> None:
    client = Http2Client(serve(echo).connect())
    streams = [client.request(f"/{n}", method="POST", body=b"%d" % n) for n in range(100)]
    assert [client.response(stream).body for stream in streams] == [b"%d" % n for n in range(100)]


def test_head_has_the_headers_only(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, b"hello")

    client = Http2Client(serve(application).connect())
    response = client.get(method="HEAD")
    assert (response.status, response.header(b"content-length"), response.body) == (200, b"5", b"")


def test_hop_by_hop_headers_are_left_out(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(
            send, headers=[(b"Connection", b"close"), (b"Keep-Alive", b"5"), (b"A", b"b")]
        )

    client = Http2Client(serve(application).connect())
    for _ in range(2):
        names = {name for name, _ in client.get().headers}
        assert names >= {b":status", b"a", b"date"}
        assert not names & {b"connection", b"keep-alive"}


def test_preface_byte_by_byte_and_requests_of_the_older_kind(serve: Serve) -> None:
    server = serve(echo)
    client = Http2Client(server.connect())
    data = PREFACE + b"\0\0\0\4\0\0\0\0\0"
    with server.connect() as slow:
        slow.dribble(data)
        assert slow.read_exactly(5)[3:] == b"\x04\0"  # SETTINGS
    assert client.get().status == 200
    for other in (b"POST / HTTP/1.1\r\n", b"PRI * HTTP/1.1\r\n", b"PROPFIND / HTTP/1.1\r\n"):
        with server.connect() as old:
            old.dribble(other + b"Host: test\r\n\r\n")
            assert old.read_response().status == (501 if other.startswith(b"PRI ") else 200)


def test_without_http2(serve: Serve) -> None:
    server = serve(echo, http2=False)
    assert server.exchange(PREFACE).status in (501, 505)
    assert server.get().status == 200


def test_access_log(serve: Serve, tmp_path: Path) -> None:
    with open(tmp_path / "access.log", "w+") as log:
        server = serve(echo, access_log_fd=log.fileno())
        client = Http2Client(server.connect())
        assert client.get("/x", method="POST", body=b"hello").status == 200
        server.stop()
        log.seek(0)
        assert '"POST /x" 200 5\n' in log.read()


@pytest.mark.parametrize("http2", [True, False])
def test_alpn(serve: Serve, tmp_path: Path, http2: bool) -> None:
    authority = Authority(tmp_path)
    files = authority.issue("test")
    settings = TlsSettings((Certificate(files.certificate, files.key),), http2=http2)
    server = serve(echo, tls=settings, http2=http2)
    context = ssl.create_default_context(cafile=authority.certificate)
    context.set_alpn_protocols(["http/1.1", "h2"])
    raw = server.connect()
    raw.socket = context.wrap_socket(raw.socket, server_hostname="test")
    assert raw.socket.selected_alpn_protocol() == ("h2" if http2 else "http/1.1")
    if http2:
        assert Http2Client(raw).get("/", method="POST", body=b"hello").body == b"hello"
    raw.close()


@pytest.mark.parametrize("name", [b"x-one", b"cookie"])
def test_value_that_other_versions_refuse(serve: Serve, name: bytes) -> None:
    """Python takes a next line (U+0085) for the end of one, also within a joined cookie."""
    client = Http2Client(serve(echo).connect())
    assert client.get(headers=[(b"cookie", b"a=1"), (name, b"b\x85c")]).status == 400
    assert client.get(headers=[(b"cookie", b"a=1"), (name, "b\u0445c".encode())]).status == 200
