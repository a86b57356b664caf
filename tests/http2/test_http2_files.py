"""Files on many streams at once: tiny windows, resets, clients that leave, files that change."""

import os
import random
from pathlib import Path
from typing import Any

import pytest
from support.apps import Receive, Scope, Send, respond
from support.http2 import Http2Client
from support.reports import wait_until
from support.server import LiveServer, Serve

CONTENTS = random.Random(5).randbytes(300_000)
STREAMS = 50
INTERNAL_ERROR = 2


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(CONTENTS)
    return path


@pytest.fixture
def server(serve: Serve, file: Path) -> LiveServer:
    """Answers with the file, in parts, with trailers, or with a length that the head names."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        start: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": []}
        kind, _, length = scope["path"][1:].partition("/")
        if kind == "plain":
            await respond(send, b"plain")
            return
        if length:
            start["headers"] = [(b"content-length", length.encode())]
        await send({**start, "trailers": kind == "trailers"})
        if kind == "whole":
            await send({"type": "http.response.pathsend", "path": str(file)})
            return
        part = {"type": "http.response.zerocopysend", "offset": 0}
        with file.open("rb") as opened:
            if kind == "halves":
                half = len(CONTENTS) // 2
                await send({**part, "file": opened, "count": half, "more_body": True})
                await send({**part, "file": opened, "offset": half})
            else:
                await send({**part, "file": opened})
        if kind == "trailers":
            fields = [(b"x-sum", b"1")]
            await send({"type": "http.response.trailers", "headers": fields})

    return serve(application)


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def no_more_than(before: int, client: Http2Client) -> None:
    """Check that all is closed again, and that the connection is in order."""
    assert client.get("/plain").body == b"plain"
    wait_until(lambda: descriptors() <= before, "descriptors are left")


def test_tiny_windows(server: LiveServer, file: Path) -> None:
    """Every stream gets its own bytes, however the windows cut them."""
    file.write_bytes(CONTENTS[:20_000])
    client = Http2Client(server.connect(), initial_window_size=1)
    kinds = ("whole", "part", "trailers")
    streams = [client.request(f"/{kinds[each % 3]}") for each in range(STREAMS)]
    client.held.update(streams)
    client.until(lambda: all(len(client.responses[each].body) == 1 for each in streams))
    before = descriptors()
    file.unlink()
    for each in random.Random(6).sample(streams, len(streams)):
        client.held.discard(each)
        client.give_window(each, 777)
    for each in streams:
        assert client.response(each).body == CONTENTS[:20_000]
    no_more_than(before - STREAMS, client)


@pytest.mark.parametrize("kind", ["whole", "halves", "trailers"])
def test_resets_in_the_middle(server: LiveServer, kind: str) -> None:
    client = Http2Client(server.connect())
    client.get("/plain")
    before = descriptors()
    for _ in range(STREAMS):
        stream = client.request(f"/{kind}")
        client.held.add(stream)
        response = client.responses[stream]
        client.until(lambda response=response: len(response.body) == 65_535)
        client.reset(stream)
    no_more_than(before, client)


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_clients_that_leave(server: LiveServer, leave: str) -> None:
    watcher = Http2Client(server.connect())
    watcher.get("/plain")
    before = descriptors()
    client = Http2Client(server.connect())
    streams = [client.request("/halves") for _ in range(STREAMS)]
    client.held.update(streams)
    client.until(lambda: all(len(client.responses[each].body) > 60_000 for each in streams))
    getattr(client.raw, leave)()
    no_more_than(before, watcher)


def test_a_part_that_shrinks(server: LiveServer, file: Path) -> None:
    """One stream is reset; the others of its connection are not."""
    client = Http2Client(server.connect())
    client.get("/plain")
    before = descriptors()
    stream = client.request("/part")
    client.held.add(stream)
    response = client.responses[stream]
    client.until(lambda: len(response.body) == 65_535)
    os.truncate(file, 100_000)
    client.held.discard(stream)
    client.give_window(stream, 1_000_000)
    assert client.response(stream).reset == INTERNAL_ERROR
    assert not response.is_whole
    assert CONTENTS.startswith(response.body)
    no_more_than(before, client)


def test_a_file_that_is_replaced_or_grows(server: LiveServer, file: Path, tmp_path: Path) -> None:
    """What was opened is sent, as long as it was."""
    client = Http2Client(server.connect())
    stream = client.request("/whole")
    client.held.add(stream)
    client.until(lambda: len(client.responses[stream].body) == 65_535)
    with file.open("ab") as grown:
        grown.write(b"more")
    other = tmp_path / "other"
    other.write_bytes(b"other")
    other.rename(file)
    client.held.discard(stream)
    client.give_window(stream, 1_000_000)
    assert client.response(stream).body == CONTENTS
    assert client.get("/whole").body == b"other"


@pytest.mark.parametrize("kind", ["whole", "part"])
@pytest.mark.parametrize("wrong", [-1, 1])
def test_another_length_than_was_said(server: LiveServer, kind: str, wrong: int) -> None:
    """Never a response that is whole and is not as long as it says."""
    client = Http2Client(server.connect())
    said = len(CONTENTS) + wrong
    response = client.get(f"/{kind}/{said}")
    if kind == "whole" and wrong < 0:
        assert response.body == CONTENTS[:said]
    else:
        assert response.reset == INTERNAL_ERROR or response.status == 500
        assert "Content-Length" in server.reports.take_errors()[0]
    assert client.get("/plain").body == b"plain"


@pytest.mark.parametrize("kind", ["whole", "part", "halves", "trailers"])
def test_head(server: LiveServer, kind: str) -> None:
    client = Http2Client(server.connect())
    client.get("/plain")
    before = descriptors()
    response = client.get(f"/{kind}/{len(CONTENTS)}", method="HEAD")
    assert (response.status, response.body) == (200, b"")
    assert response.header(b"content-length") == str(len(CONTENTS)).encode()
    no_more_than(before, client)


@pytest.mark.parametrize("size", [0, 10, 300_000])
def test_trailers_behind_a_file(server: LiveServer, file: Path, size: int) -> None:
    file.write_bytes(CONTENTS[:size])
    client = Http2Client(server.connect())
    response = client.get("/trailers", headers=[("te", "trailers")])
    assert (response.body, response.trailers) == (CONTENTS[:size], [(b"x-sum", b"1")])
