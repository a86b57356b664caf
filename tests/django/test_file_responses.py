"""FileResponse with ours in place: which files go by the core, and that no client can tell."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import seams
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage
from django.core.handlers.asgi import ASGIHandler
from django.core.management.color import no_style
from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.test import override_settings
from django.urls import clear_url_caches, path
from django.views.static import serve as serve_static
from support.raw import Response, request
from support.server import Serve

from casgi.development.request_log import RequestLog
from casgi.django import file_responses
from casgi.django.file_responses import FileResponses
from casgi.django.thread_pool import ThreadPool

# Django says so of each FileResponse that it reads under ASGI.
pytestmark = pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")

CONTENTS = random.Random(5).randbytes(250_000)
Make = Callable[[Path], Any]


class ReadsInAnotherWay(FileResponse):
    """As a project may have it."""

    def __iter__(self) -> Iterator[bytes]:
        for part in super().__iter__():
            yield part.swapcase()


class CountsBytes(FileResponse):
    """Changes nothing of the content."""

    counted = 0


class Shouting(File):
    """Reads otherwise than the file in it."""

    def read(self, *size: int) -> bytes:
        return bytes(self.file.read(*size)).upper()


def from_the_middle(file: Path) -> FileResponse:
    opened = file.open("rb")
    opened.read(100)
    return FileResponse(opened)


def a_part(file: Path) -> FileResponse:
    response = FileResponse(file.open("rb"), status=206, filename="part.bin")
    response.headers["Content-Length"] = "1000"
    return response


def with_other_content(file: Path) -> FileResponse:
    response = FileResponse(file.open("rb"))
    response.streaming_content = (part for part in response.streaming_content)
    return response


def wrapped_behind_its_back(file: Path) -> FileResponse:
    response = FileResponse(file.open("rb"))
    response._iterator = iter([b"other"])
    response.headers["Content-Length"] = "5"
    return response


def with_a_cookie(file: Path) -> FileResponse:
    response = FileResponse(file.open("rb"), as_attachment=True, filename="\u00e4.bin")
    response.set_cookie("a", "1")
    response.headers["X-Other"] = "b"
    return response


def without_a_length(file: Path) -> FileResponse:
    response = FileResponse(file.open("rb"))
    del response.headers["Content-Length"]
    return response


def of_a_storage(file: Path) -> FileResponse:
    return FileResponse(FileSystemStorage(location=file.parent).open(file.name))


OURS: list[Make] = [
    lambda file: FileResponse(file.open("rb")),
    lambda file: FileResponse(File(file.open("rb"))),
    lambda file: CountsBytes(file.open("rb")),
    of_a_storage,
    from_the_middle,
    with_a_cookie,
]
NOT_OURS: list[Make] = [
    lambda file: FileResponse(io.BytesIO(CONTENTS)),
    lambda file: FileResponse(ContentFile(CONTENTS, name="a.bin")),
    lambda file: FileResponse(file.open("rb", buffering=0)),
    lambda file: FileResponse(Shouting(file.open("rb"))),
    lambda file: FileResponse([b"one", b"two"]),
    lambda file: ReadsInAnotherWay(file.open("rb")),
    lambda file: StreamingHttpResponse([b"one", b"two"]),
    with_other_content,
    wrapped_behind_its_back,
]

current: list[Make] = []
folder: list[Path] = []


def view(request: Any) -> Any:
    return current[0](folder[0] / "file.bin")


urlpatterns = [
    path("", view),
    path("static/<path:path>", lambda r, path: serve_static(r, path, str(folder[0]))),
]


@pytest.fixture(autouse=True)
def site(pool: ThreadPool, tmp_path: Path) -> Iterator[None]:
    (tmp_path / "file.bin").write_bytes(CONTENTS)
    folder[:] = [tmp_path]
    clear_url_caches()
    with override_settings(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], MIDDLEWARE=[]):
        yield
    clear_url_caches()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The responses whose file ours has sent."""
    responses: list[Any] = []
    send_file = file_responses._send_file

    async def noted(original: Any, handler: Any, response: Any, *more: Any) -> None:
        responses.append(response)
        await send_file(original, handler, response, *more)

    monkeypatch.setattr(file_responses, "_send_file", noted)
    return responses


@contextlib.contextmanager
def in_place() -> Iterator[None]:
    with seams.in_place(FileResponses()):
        yield


def answers(serve: Serve, *requests: bytes, application: Any = None) -> list[Response]:
    """Return the answers to these requests, one after the other on a connection."""
    server = serve(application or ASGIHandler())
    found = []
    with server.connect() as client:
        for data in requests:
            client.send(data)
            found.append(client.read_response("HEAD" if data.startswith(b"HEAD") else "GET"))
    server.wait_idle()
    return found


def comparable(response: Response) -> Any:
    left_out = (b"date", b"content-length", b"transfer-encoding")
    headers = [pair for pair in response.headers if pair[0].lower() not in left_out]
    return response.status, headers, response.body


@pytest.mark.parametrize("make", OURS + NOT_OURS)
def test_no_client_can_tell(serve: Serve, sent: list[Any], make: Make) -> None:
    current[:] = [make]
    requests = request("/"), request("/", method="HEAD"), request("/")
    expected = answers(serve, *requests)
    assert sent == []
    with in_place():
        found = answers(serve, *requests)
    assert [comparable(each) for each in found] == [comparable(each) for each in expected]
    assert len(sent) == (3 if make in OURS else 0)
    assert all(response.closed and response.file_to_stream.closed for response in sent)


def test_a_file_is_as_long_as_its_header_said(serve: Serve, sent: list[Any]) -> None:
    current[:] = [a_part]
    with in_place():
        (response,) = answers(serve, request("/"))
    assert (response.status, response.body) == (206, CONTENTS[:1000])
    current[:] = [without_a_length]
    with in_place():
        (response,) = answers(serve, request("/"))
    assert response.body == CONTENTS
    assert len(sent) == 2


def test_the_static_view(serve: Serve, sent: list[Any]) -> None:
    with in_place():
        first = answers(serve, request("/static/file.bin"))[0]
        modified = b"If-Modified-Since: " + (first.header(b"Last-Modified") or b"")
        second = answers(serve, request("/static/file.bin", headers=[modified]))[0]
    assert (first.status, first.body) == (200, CONTENTS)
    assert second.status == 304
    assert len(sent) == 1


class _Dividing(ASGIHandler):
    """Has a way of its own to divide what is sent."""

    @classmethod
    def chunk_bytes(cls, data: Any) -> Any:
        for chunk, is_last in super().chunk_bytes(data):
            yield chunk.swapcase(), is_last


def test_handler_that_divides_content_by_itself(serve: Serve, sent: list[Any]) -> None:
    current[:] = [lambda file: FileResponse(file.open("rb"))]
    with in_place():
        (response,) = answers(serve, request("/"), application=_Dividing())
    assert response.body == CONTENTS.swapcase()
    assert sent == []


def test_what_makes_bytes_is_changed_while_it_serves(
    serve: Serve, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    current[:] = [lambda file: FileResponse(file.open("rb"))]
    make_bytes = HttpResponseBase.make_bytes
    with in_place():
        monkeypatch.setattr(
            HttpResponseBase, "make_bytes", lambda self, value: make_bytes(self, value).swapcase()
        )
        (response,) = answers(serve, request("/"))
    assert response.body == CONTENTS.swapcase()
    assert sent == []


def test_compressing_middleware(serve: Serve, sent: list[Any]) -> None:
    current[:] = [lambda file: FileResponse(file.open("rb"), content_type="text/plain")]
    middleware = [f"{GZipMiddleware.__module__}.{GZipMiddleware.__qualname__}"]
    with override_settings(MIDDLEWARE=middleware), in_place():
        (response,) = answers(serve, request("/", headers=["Accept-Encoding: gzip"]))
    assert gzip.decompress(response.body) == CONTENTS
    assert sent == []


def test_asgi_middleware_gets_what_it_knows(serve: Serve, sent: list[Any]) -> None:
    current[:] = OURS[:1]
    handler = ASGIHandler()
    types: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        async def noting(message: Any) -> None:
            types.append(message["type"])
            await send(message)

        await handler(scope, receive, noting)

    with in_place():
        (response,) = answers(serve, request("/"), application=application)
    assert response.body == CONTENTS
    assert set(types) == {"http.response.start", "http.response.body"}
    assert sent == []


def test_the_lines_of_runserver_are_in_nobodys_way(
    serve: Serve, sent: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Its static files go by the core as well, and each response has one line."""
    caplog.set_level("INFO", logger="django.channels.server")

    async def path_of_a_file(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 206})
        await send({"type": "http.response.pathsend", "path": str(folder[0] / "file.bin")})

    with in_place():
        for handler in (ASGIHandler(), path_of_a_file):
            logged = RequestLog(handler, no_style())
            (response,) = answers(serve, request("/static/file.bin"), application=logged)
            assert response.body == CONTENTS
    assert len(sent) == 1
    lines = [text.split(" [")[0] for text in caplog.messages]
    assert lines == ["HTTP GET /static/file.bin 200", "HTTP GET /static/file.bin 206"]


def test_what_is_no_regular_file(serve: Serve, sent: list[Any]) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"from a pipe")
    os.close(writer)
    current[:] = [lambda file: FileResponse(os.fdopen(reader, "rb"))]
    with in_place():
        (response,) = answers(serve, request("/"))
    assert response.body == b"from a pipe"
    assert sent == []


def test_put_back() -> None:
    original = vars(ASGIHandler)["send_response"]
    with in_place():
        assert vars(ASGIHandler)["send_response"] is not original
    assert vars(ASGIHandler)["send_response"] is original
