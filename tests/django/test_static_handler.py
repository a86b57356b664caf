"""Django's handler of static files with ours in place: the same answers, without its trips."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import seams
from django.contrib.staticfiles import finders, views
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core import signals
from django.core.handlers.asgi import ASGIHandler
from django.core.management.color import no_style
from django.test import override_settings
from support.raw import Response, request
from support.server import LiveServer, Serve

from casgi.development.request_log import RequestLog
from casgi.django import static_files
from casgi.django.file_responses import FileResponses
from casgi.django.static_files import StaticFiles
from casgi.django.thread_pool import ThreadPool

# Django says so of each FileResponse that it reads under ASGI.
pytestmark = pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")

ODD_NAME = "a\u00e4 A.css"  # Django decodes twice
FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]


class OwnFinder(finders.BaseFinder):
    """As a project may have it: it knows a file by another name."""

    def find(self, path: str, *_: Any, **__: Any) -> Any:
        return str(folder[0] / "first" / "page.css") if path == "made/up.css" else []


folder: list[Path] = []
urlpatterns: list[Any] = []


@pytest.fixture(autouse=True)
def site(pool: ThreadPool, tmp_path: Path) -> Iterator[None]:
    """Three folders, of which the second has a prefix."""
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    for each in (first, second, third):
        (each / "js").mkdir(parents=True)
    (first / "page.css").write_text("first")
    (third / "page.css").write_text("hidden by the first")
    (second / "in.css").write_text("second")
    (third / "js" / "only.js").write_bytes(b"third" * 100_000)
    (first / "empty.txt").touch()
    (first / ".dot").write_text("found by Django's")
    (first / ODD_NAME).write_text("odd")
    (first / "app.js.gz").write_text("no real gzip")
    (first / "unknown.typ").write_text("?")
    (first / "link.css").symlink_to(third / "page.css")
    for each in tmp_path.rglob("*.*"):
        os.utime(each, (1_700_000_000.5, 1_700_000_000.5))
    folder[:] = [tmp_path]
    finders.get_finder.cache_clear()
    with override_settings(
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["*"],
        MIDDLEWARE=[],
        STATIC_URL="/static/",
        STATICFILES_DIRS=[first, ("pre", second), third],
        STATICFILES_FINDERS=FINDERS,
    ):
        yield
    finders.get_finder.cache_clear()


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The status of each answer that ours has given."""
    statuses: list[int] = []
    send_answer = static_files._send_answer

    async def noted(answer: Any, send: Any) -> None:
        statuses.append(answer.status)
        await send_answer(answer, send)

    monkeypatch.setattr(static_files, "_send_answer", noted)
    return statuses


@contextlib.contextmanager
def in_place() -> Iterator[None]:
    with seams.in_place(FileResponses(), StaticFiles()):
        yield


def ask(server: LiveServer, target: str, *fields: str, method: str = "GET") -> Response:
    data = request(target, method=method, headers=[*fields, "Connection: close"])
    return server.exchange(data, method)


def seen(response: Response) -> Any:
    ignored = {b"date", b"connection"}
    headers = sorted(each for each in response.headers if each[0].lower() not in ignored)
    return response.status, headers, response.body


FOUND: list[tuple[str, tuple[str, ...]]] = [
    ("/static/page.css", ()),
    ("/static/pre/in.css", ()),
    ("/static/js/only.js", ()),
    ("/static/js/only.js?v=1", ()),
    ("/static/empty.txt", ()),
    ("/static/.dot", ()),
    ("/static/a%C3%A4%20%2541.css", ()),
    ("/static/app.js.gz", ()),
    ("/static/unknown.typ", ()),
    ("/static/link.css", ()),
    ("/static//js/../page.css", ()),
    ("/static/page.css", ("If-Modified-Since: Wed, 15 Nov 2023 00:00:00 GMT",)),
    ("/static/page.css", ("If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT",)),
    ("/static/page.css", ("If-Modified-Since: Tue, 14 Nov 2023 22:13:19 GMT",)),
    ("/static/page.css", ("If-Modified-Since: no date",)),
    ("/static/page.css", ("If-Modified-Since:",)),
    ("/static/page.css", ("If-Modified-Since: no", "If-Modified-Since: date")),
    ("/static/page.css", ("Range: bytes=0-1",)),
    ("/static/page.css?%FF", ()),
]
NOT_FOUND: list[tuple[str, tuple[str, ...]]] = [
    ("/static/none.css", ()),
    ("/static/", ()),
    ("/static/js", ()),
    ("/static/js/", ()),
    ("/static/pre/page.css", ()),
    ("/other/page.css", ()),
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_no_client_can_tell(serve: Serve, answered: list[int], method: str) -> None:
    server = serve(handler())
    asked = FOUND + NOT_FOUND
    djangos = [seen(ask(server, target, *fields, method=method)) for target, fields in asked]
    assert not answered
    with in_place():
        ours = [seen(ask(server, target, *fields, method=method)) for target, fields in asked]
    assert ours == djangos
    assert answered == [status for status, _, _ in djangos[: len(FOUND)]]
    assert set(answered) == {200, 304}


def test_what_goes_and_comes_meanwhile(serve: Serve, answered: list[int]) -> None:
    """Of whole folders, too: bundlers put a new one in the place of the old."""
    server = serve(handler())
    first = folder[0] / "first"
    with in_place():
        assert ask(server, "/static/page.css").body == b"first"
        shutil.rmtree(first)
        assert ask(server, "/static/page.css").body == b"hidden by the first"
        first.mkdir()
        (first / "page.css").write_text("new")
        assert ask(server, "/static/page.css").body == b"new"
        (first / "page.css").unlink()
        (first / "page.css").mkdir()
        assert ask(server, "/static/page.css").status == 404
    assert answered == [200, 200, 200]


def test_finders_of_the_project(serve: Serve, answered: list[int]) -> None:
    server = serve(handler())
    with in_place(), override_settings(STATICFILES_FINDERS=[f"{__name__}.OwnFinder", *FINDERS]):
        assert ask(server, "/static/made/up.css").body == b"first"
        assert ask(server, "/static/js/only.js").status == 200
    assert answered == [200, 200]


class OwnHandler(ASGIStaticFilesHandler):
    """As of a project that has something to say of each static file."""


async def middleware(scope: Any, receive: Any, send: Any) -> None:
    """Look at each message of a response."""

    async def look(message: Any) -> None:
        await send(message)

    await ASGIStaticFilesHandler(ASGIHandler())(scope, receive, look)


def receiver(**_: Any) -> None:
    """Hear of each request."""


def handler() -> Any:
    return ASGIStaticFilesHandler(ASGIHandler())


def change_nothing(_: pytest.MonkeyPatch, __: Any) -> None:
    pass


def receive_signals(patch: pytest.MonkeyPatch, _: Any) -> None:
    patch.setattr(signals.request_started, "receivers", [])
    patch.setattr(signals.request_started, "use_caching", False)
    signals.request_started.connect(receiver)


def wrap_view(patch: pytest.MonkeyPatch, _: Any) -> None:
    original = views.static.serve
    patch.setattr(views.static, "serve", lambda *given, **named: original(*given, **named))


def wrap_handle(patch: pytest.MonkeyPatch, made: Any) -> None:
    original = made.handle
    patch.setattr(made, "handle", lambda *given: original(*given), raising=False)


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (lambda: OwnHandler(ASGIHandler()), change_nothing),
        (lambda: middleware, change_nothing),
        (handler, receive_signals),
        (handler, wrap_view),
        (handler, wrap_handle),
    ],
)
def test_who_has_a_say_keeps_it(
    serve: Serve, answered: list[int], monkeypatch: pytest.MonkeyPatch, make: Any, change: Any
) -> None:
    made = make()
    server = serve(made)
    with in_place():
        change(monkeypatch, made)
        assert ask(server, "/static/page.css").body == b"first"
    assert not answered


def test_within_the_log_of_runserver(
    serve: Serve, answered: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(RequestLog(handler(), no_style()))
    with in_place(), caplog.at_level(logging.INFO, "django.channels.server"):
        assert ask(server, "/static/page.css").body == b"first"
        server.wait_idle()
    assert answered == [200]
    assert [line.split(" [")[0] for line in caplog.messages] == ["HTTP GET /static/page.css 200"]


def test_other_methods_are_djangos(serve: Serve, answered: list[int]) -> None:
    server = serve(handler())
    with in_place():
        assert ask(server, "/static/page.css", method="POST").body == b"first"
    assert not answered


def test_behind_a_script_name_it_is_djangos(serve: Serve, answered: list[int]) -> None:
    server = serve(handler())
    with override_settings(FORCE_SCRIPT_NAME="/app"):
        djangos = seen(ask(server, "/static/page.css"))
        with in_place():
            assert seen(ask(server, "/static/page.css")) == djangos
    assert not answered
