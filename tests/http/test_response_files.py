"""http.response.pathsend and http.response.zerocopysend: what they send, and what they refuse."""

import asyncio
import contextlib
import copy
import errno
import io
import os
import random
import resource
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.apps import Journal, Receive, Scope, Send, respond
from support.raw import request
from support.server import SECURE, LiveServer, Serve

CONTENTS = random.Random(1).randbytes(700_000)

Messages = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(CONTENTS)
    return path


def sending(
    *messages: dict[str, Any], headers: list[tuple[bytes, bytes]] | None = None, status: int = 200
) -> Any:
    """Return an application that answers /plain with text, and else with these messages."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/plain":
            await respond(send, b"plain")
            return
        start = {"type": "http.response.start", "status": status, "headers": headers or []}
        await send(start)
        for message in messages:
            await send(message)

    return application


def pathsend(path: object) -> dict[str, Any]:
    return {"type": "http.response.pathsend", "path": path}


def zerocopysend(file: object, **values: Any) -> dict[str, Any]:
    return {"type": "http.response.zerocopysend", "file": file, **values}


def body(data: bytes, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


def length(size: int) -> list[tuple[bytes, bytes]]:
    return [(b"content-length", str(size).encode())]


def get_twice(server: LiveServer) -> bytes:
    """Return the body of the answer, behind which the connection must still be in order."""
    with server.connect() as client:
        client.send(request("/") + request("/plain"))
        first = client.read_response()
        assert client.read_response().body == b"plain"
        return first.body


def refused(serve: Serve, message: Any, error: type[Exception], words: str) -> None:
    """Check that send() raises, and that the application can still answer."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            await send(message)
        except Exception as raised:
            journal.add(raised)
        await send(body(b"instead"))

    assert serve(application).get().body == b"instead"
    raised = journal.next()
    assert isinstance(raised, error), repr(raised)
    assert words in str(raised), str(raised)


# --- pathsend ---


@pytest.mark.parametrize("size", [0, 1, 8192, 8193, 700_000])
def test_a_path(serve: Serve, file: Path, size: int) -> None:
    file.write_bytes(CONTENTS[:size])
    server = serve(sending(pathsend(str(file))))
    assert get_twice(server) == CONTENTS[:size]
    assert server.get().header(b"content-length") == str(size).encode()


def test_a_path_as_bytes_or_object(serve: Serve, file: Path) -> None:
    for path in (os.fsencode(file), file):
        assert get_twice(serve(sending(pathsend(path)))) == CONTENTS


def test_a_path_for_head(serve: Serve, file: Path) -> None:
    with serve(sending(pathsend(str(file)))).connect() as client:
        client.send(request(method="HEAD") + request("/plain"))
        response = client.read_response("HEAD")
        assert response.header(b"content-length") == str(len(CONTENTS)).encode()
        assert client.read_response().body == b"plain"


@pytest.mark.parametrize("status", [204, 304])
def test_a_path_where_there_is_no_body(serve: Serve, file: Path, status: int) -> None:
    with serve(sending(pathsend(str(file)), status=status)).connect() as client:
        client.send(request() + request("/plain"))
        assert client.read_response().status == status
        assert client.read_response().body == b"plain"


def test_a_path_in_http_1_0(serve: Serve, file: Path) -> None:
    with serve(sending(pathsend(str(file)))).connect() as client:
        client.send(request(version="1.0"))
        assert client.read_response().body == CONTENTS
        client.assert_closed()


def test_a_file_that_grew_is_cut_at_the_length_that_was_said(serve: Serve, file: Path) -> None:
    assert get_twice(serve(sending(pathsend(str(file)), headers=length(10)))) == CONTENTS[:10]


def test_a_file_that_is_shorter_is_never_begun(serve: Serve, file: Path) -> None:
    server = serve(sending(pathsend(str(file)), headers=length(700_001)))
    assert server.get().status == 500
    server.wait_idle()
    (error,) = server.reports.take_errors()
    assert "shorter than the Content-Length" in error


def test_no_file(serve: Serve, tmp_path: Path) -> None:
    refused(serve, pathsend(str(tmp_path / "none")), FileNotFoundError, "none")


def test_no_regular_file(serve: Serve, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "fifo", Path("/dev/zero")):
        refused(serve, pathsend(str(path)), ValueError, "no regular file")


def test_a_file_without_a_size(serve: Serve) -> None:
    server = serve(sending(pathsend("/proc/self/status")))
    assert get_twice(server) == b""
    assert server.get().header(b"content-length") == b"0"


def test_no_path(serve: Serve) -> None:
    refused(serve, pathsend(3), TypeError, "int")
    refused(serve, pathsend("a\0b"), ValueError, "null")
    refused(serve, {"type": "http.response.pathsend"}, KeyError, "path")


def test_a_path_is_a_whole_body(serve: Serve, file: Path) -> None:
    server = serve(sending(body(b"begun", more=True), pathsend(str(file))))
    with server.connect() as client:
        client.send(request())
        assert b"begun" in client.read_to_end()
    server.wait_idle()
    (error,) = server.reports.take_errors()
    assert "whole body" in error


# --- zerocopysend ---


def test_parts_of_a_file_between_bytes(serve: Serve, file: Path) -> None:
    with file.open("rb") as opened:
        application = sending(
            body(b"<", more=True),
            zerocopysend(opened, offset=100, count=20_000, more_body=True),
            body(b"|", more=True),
            zerocopysend(opened, offset=0, count=0, more_body=True),
            zerocopysend(opened, offset=699_990, count=1_000_000, more_body=True),
            body(b">"),
        )
        expected = b"<" + CONTENTS[100:20_100] + b"|" + CONTENTS[699_990:] + b">"
        assert get_twice(serve(application)) == expected


def test_the_position_moves(serve: Serve, file: Path) -> None:
    with file.open("rb") as opened:
        assert opened.read(10) == CONTENTS[:10]
        application = sending(
            zerocopysend(opened, count=20_000, more_body=True), zerocopysend(opened)
        )
        assert serve(application).get().body == CONTENTS[10:]
        assert opened.tell() == len(CONTENTS)
        opened.seek(5)
        assert serve(sending(zerocopysend(opened, offset=3, count=9))).get().body == CONTENTS[3:12]
        assert opened.tell() == 5


def test_a_descriptor(serve: Serve, file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    os.lseek(descriptor, 7, os.SEEK_SET)
    server = serve(
        sending(zerocopysend(descriptor, count=9, more_body=True), zerocopysend(descriptor))
    )
    assert server.get().body == CONTENTS[7:]
    os.close(descriptor)


def test_a_file_that_the_application_closes_at_once(serve: Serve, file: Path) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        with file.open("rb") as opened:
            await send(zerocopysend(opened))
        os.unlink(file)

    assert serve(application).get().body == CONTENTS


def test_another_length_than_was_said(serve: Serve, file: Path) -> None:
    with file.open("rb") as opened:
        server = serve(sending(zerocopysend(opened), headers=length(10)))
        with server.connect() as client:
            client.send(request())
            assert client.read_to_end().endswith(b"\r\n\r\n")
        server.wait_idle()
        (error,) = server.reports.take_errors()
        assert "longer or shorter than the Content-Length" in error


def test_what_is_no_file(serve: Serve, file: Path) -> None:
    reader, writer = os.pipe()
    left, right = socket.socketpair()
    with left, right:
        refused(serve, zerocopysend(reader), ValueError, "no regular file")
        refused(serve, zerocopysend(left), ValueError, "no regular file")
    os.close(reader)
    os.close(writer)
    refused(serve, zerocopysend(io.BytesIO(b"x")), io.UnsupportedOperation, "fileno")
    refused(serve, zerocopysend("name"), TypeError, "fileno")
    refused(serve, {"type": "http.response.zerocopysend"}, KeyError, "file")
    with file.open("rb") as opened:
        refused(serve, zerocopysend(opened, offset=-1), ValueError, "below 0")
        refused(serve, zerocopysend(opened, count="1"), TypeError, "int")
    refused(serve, zerocopysend(opened), ValueError, "closed file")
    with file.open("ab") as opened:
        refused(serve, zerocopysend(opened), ValueError, "not open for reading")


def test_a_file_object_that_stands_nowhere(serve: Serve, tmp_path: Path) -> None:
    class Nowhere(io.FileIO):
        def tell(self) -> int:
            return -1

    path = tmp_path / "file"
    path.write_bytes(b"hello")
    with Nowhere(path) as opened:
        refused(serve, zerocopysend(opened), ValueError, "below 0")


# --- On the way ---


def test_a_sparse_file_of_more_than_4_gib(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as sparse:
        sparse.truncate(5 * 2**30)
        sparse.seek(5 * 2**30 - 100_000)
        sparse.write(CONTENTS[:100_000])
    with path.open("rb") as opened:
        server = serve(sending(zerocopysend(opened, offset=5 * 2**30 - 100_000)))
        assert get_twice(server) == CONTENTS[:100_000]
    with serve(sending(pathsend(str(path)))).connect() as client:
        client.send(request())
        head = client.read_head()
        assert head.header(b"content-length") == str(5 * 2**30).encode()
        assert client.read_exactly(300_000) == bytes(300_000)


def test_send_waits_for_a_slow_reader(serve: Serve, file: Path) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        with file.open("rb") as opened:
            for _ in range(20):
                await send(zerocopysend(opened, offset=0, more_body=True))
                journal.add("sent")
        await send(body(b""))

    server = serve(application)
    server.limit_send_buffer(20_000)
    with server.connect(receive_buffer=20_000) as client:
        client.send(request())
        assert client.read_head().status == 200
        assert journal.rest() in ([], ["sent"])
        assert len(client.read_until(b"\r\n0\r\n\r\n")) > 20 * len(CONTENTS)
    assert journal.next() == "sent"


def test_a_client_that_leaves_in_the_middle(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as sparse:
        sparse.truncate(100 * 2**20)
    server = serve(sending(pathsend(str(path))))
    for leave in ("reset", "close"):
        with server.connect() as client:
            client.send(request())
            client.read_exactly(100_000)
            getattr(client, leave)()
    server.wait_idle()


def test_a_file_that_shrinks_cuts_the_connection(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "shrinks"
    for version in ("1.1", "1.0"):
        with path.open("wb") as sparse:
            sparse.truncate(50 * 2**20)
        server = serve(sending(pathsend(str(path))))
        server.limit_send_buffer(20_000)
        with server.connect(receive_buffer=20_000) as client:
            client.send(request(version=version))
            client.read_exactly(1000)
            os.truncate(path, 10 * 2**20)
            rest = client.read_to_end()
            assert len(rest) < 10 * 2**20
        server.wait_idle()


def test_many_clients_at_once(serve: Serve, file: Path) -> None:
    server = serve(sending(pathsend(str(file))))
    bodies: list[bytes] = []
    threads = [threading.Thread(target=lambda: bodies.append(get_twice(server))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bodies == [CONTENTS] * 8


def test_pipelined_files_wait_for_their_reader(serve: Serve, file: Path) -> None:
    server = serve(sending(pathsend(str(file))))
    before = len(os.listdir("/proc/self/fd"))
    with server.connect(receive_buffer=20_000) as client:
        client.send(request() * 200)
        assert client.read_head().status == 200
        assert len(os.listdir("/proc/self/fd")) < before + 20
        assert client.read_exactly(len(CONTENTS)) == CONTENTS
        for _ in range(199):
            assert client.read_response().body == CONTENTS


def test_sent_from_another_thread(serve: Serve, file: Path) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.to_thread(asyncio.run, send(pathsend(str(file))))  # type: ignore[arg-type]

    assert serve(application).get().body == CONTENTS


def test_what_is_advertised(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add(copy.deepcopy(scope["extensions"]))
        scope["extensions"]["http.response.pathsend"]["mine"] = 1
        await respond(send, b"")

    tls = {"tls"} if SECURE else set()
    server = serve(application)
    for _ in range(2):
        server.get()
        extensions = journal.next()
        assert {each for each in tls if extensions.pop(each)} == tls
        assert extensions == {
            "http.response.pathsend": {},
            "http.response.zerocopysend": {},
            "http.response.early_hint": {},
            "http.response.trailers": {},
        }
    server.exchange(request(version="1.0"))
    files = {"http.response.pathsend", "http.response.zerocopysend"}
    assert set(journal.next()) == files | tls


# --- Want of descriptors ---


@contextlib.contextmanager
def no_descriptors() -> Iterator[None]:
    """Leave this process without a descriptor to open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = [int(each) for each in os.listdir("/proc/self/fd")]
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(used) + 1, hard))
    taken: list[int] = []
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.dup(0))
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("kind", ["pathsend", "zerocopysend"])
def test_want_of_descriptors(serve: Serve, file: Path, kind: str) -> None:
    """Raised by send(): the application can still answer, and has sent nothing if it does not."""
    with file.open("rb") as opened:
        message = pathsend(str(file)) if kind == "pathsend" else zerocopysend(opened, offset=0)

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            try:
                await send(message)
            except OSError as error:
                if scope["path"] != "/caught" or error.errno != errno.EMFILE:
                    raise
                await send(body(b"too many"))

        server = serve(application)
        with server.connect() as client:
            client.send(request())
            assert client.read_response().body == CONTENTS
            with no_descriptors():
                client.send(request("/caught"))
                assert client.read_response().body == b"too many"
                client.send(request())
                assert client.read_response().status == 500
        assert server.get().body == CONTENTS
        assert "Too many open files" in server.reports.take_errors()[0]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_part_that_shrinks_is_not_taken_for_whole(
    serve: Serve, tmp_path: Path, version: str
) -> None:
    """Without a length its end would be that of the connection, or of the chunk."""
    path = tmp_path / "shrinks"
    with path.open("wb") as sparse:
        sparse.truncate(50 * 2**20)
    with path.open("rb") as opened:
        server = serve(sending(zerocopysend(opened, offset=0, more_body=True), body(b"end")))
        server.limit_send_buffer(20_000)
        with server.connect(receive_buffer=20_000) as client:
            client.send(request(version=version))
            client.read_exactly(1000)
            os.truncate(path, 10 * 2**20)
            if isinstance(client.socket, ssl.SSLSocket):
                client.socket.suppress_ragged_eofs = False  # it is cut, too, without close_notify
            with pytest.raises((ConnectionResetError, ssl.SSLEOFError)):
                while client.socket.recv(2**20):
                    pass
        server.wait_idle()
