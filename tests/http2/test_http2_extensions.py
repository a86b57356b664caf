"""The ASGI extensions of responses over HTTP/2: files, early hints, trailers."""

from pathlib import Path

import pytest
from support.apps import Journal, Receive, Scope, Send
from support.http2 import Http2Client
from support.server import Serve


def test_early_hints(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        assert "http.response.early_hint" in scope["extensions"]
        await send({"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload"]})
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"hello"})

    response = Http2Client(serve(application).connect()).get()
    assert [dict(each)[b":status"] for each in response.informed] == [b"103"]
    assert dict(response.informed[0])[b"link"] == b"</a.css>; rel=preload"
    assert (response.status, response.body) == (200, b"hello")


@pytest.mark.parametrize("body", [b"", b"hello", b"x" * 300_000])
def test_trailers(serve: Serve, body: bytes) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "trailers": True})
        await send({"type": "http.response.body", "body": body})
        await send({"type": "http.response.trailers", "headers": [(b"X-Sum", b"1")]})

    client = Http2Client(serve(application).connect())
    response = client.get(headers=[("te", "trailers")])
    assert (response.body, response.trailers) == (body, [(b"x-sum", b"1")])
    response = client.get()
    assert (response.body, response.trailers) == (body, [])


def test_trailers_without_end(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "trailers": True})
        await send({"type": "http.response.body", "body": b"hello"})
        fields = [(b"x-sum", b"1" * 1000)]
        with pytest.raises(RuntimeError, match="64 KiB"):
            for _ in range(1000):
                await send(
                    {"type": "http.response.trailers", "headers": fields, "more_trailers": True}
                )
        journal.add("refused")

    server = serve(application)
    client = Http2Client(server.connect())
    client.request(headers=[("te", "trailers")])
    assert journal.next() == "refused"
    server.shut_down()
    server.join()
    server.reports.take_errors()


@pytest.mark.parametrize("size", [0, 5, 16384, 2_000_001])
def test_pathsend(serve: Serve, tmp_path: Path, size: int) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(range(256)) * (size // 256) + b"x" * (size % 256))

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.pathsend", "path": str(file)})

    client = Http2Client(serve(application).connect())
    assert client.get().body == file.read_bytes()
    assert client.get(method="HEAD").body == b""


def test_a_file_that_has_become_shorter(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 1_000_000)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.pathsend", "path": str(file)})

    client = Http2Client(serve(application).connect())
    stream = client.request()
    client.held.add(stream)
    response = client.responses[stream]
    client.until(lambda: len(response.body) == 65535)
    file.write_bytes(b"x" * 100)
    client.held.discard(stream)
    client.give_window(stream, 2_000_000)
    assert client.response(stream).reset == 2
