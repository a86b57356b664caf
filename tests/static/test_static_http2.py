"""Static files, and the files of applications, over HTTP/2, in the clear and over TLS."""

import random
import ssl
from pathlib import Path

import pytest
from support.apps import Receive, Scope, Send, respond
from support.certificates import Authority
from support.http2 import Http2Client
from support.server import LiveServer, Serve

from casgi.tls import Certificate, TlsSettings

CONTENTS = random.Random(4).randbytes(300_000)


@pytest.fixture(params=["plain", "tls"])
def client(request: pytest.FixtureRequest, serve: Serve, tmp_path: Path) -> Http2Client:
    files = tmp_path / "files"
    files.mkdir()
    (files / "large.bin").write_bytes(CONTENTS)
    (files / "small.txt").write_text("0123456789")
    (files / "empty.txt").write_text("")

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/pathsend":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.pathsend", "path": str(files / "large.bin")})
        else:
            await respond(send, b"application")

    mounts = [("/static/", str(files), False)]
    if request.param == "plain":
        return Http2Client(serve(application, static_files=mounts).connect())
    return over_tls(serve, application, mounts, tmp_path)


def over_tls(serve: Serve, application: object, mounts: object, folder: Path) -> Http2Client:
    authority = Authority(folder)
    issued = authority.issue("test")
    settings = TlsSettings((Certificate(issued.certificate, issued.key),))
    server: LiveServer = serve(application, static_files=mounts, tls=settings)
    context = ssl.create_default_context(cafile=authority.certificate)
    context.set_alpn_protocols(["h2"])
    raw = server.connect()
    raw.socket = context.wrap_socket(raw.socket, server_hostname="test")
    return Http2Client(raw)


def test_files(client: Http2Client) -> None:
    large = client.get("/static/large.bin")
    assert (large.status, bytes(large.body)) == (200, CONTENTS)
    assert large.header(b"content-length") == b"300000"
    assert bytes(client.get("/static/small.txt").body) == b"0123456789"
    assert client.get("/static/empty.txt").status == 200
    assert client.get("/static/none").status == 404
    assert bytes(client.get("/other").body) == b"application"


def test_head_ranges_and_conditions(client: Http2Client) -> None:
    head = client.get("/static/large.bin", method="HEAD")
    assert (head.status, head.header(b"content-length"), bytes(head.body)) == (200, b"300000", b"")
    part = client.get("/static/small.txt", headers=[("range", "bytes=2-4")])
    assert (part.status, bytes(part.body)) == (206, b"234")
    tag = (part.header(b"etag") or b"").decode()
    assert client.get("/static/small.txt", headers=[("if-none-match", tag)]).status == 304
    assert client.get("/static/small.txt", method="POST", body=b"x" * 1000).status == 405


def test_many_at_once(client: Http2Client) -> None:
    streams = [client.request("/static/large.bin") for _ in range(10)]
    assert all(bytes(client.response(stream).body) == CONTENTS for stream in streams)


def test_the_applications_files(client: Http2Client) -> None:
    response = client.get("/pathsend")
    assert (response.status, bytes(response.body)) == (200, CONTENTS)
