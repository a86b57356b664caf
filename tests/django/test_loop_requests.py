"""Requests that have nothing for a thread before their view: an async view gets none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django
import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core import signals
from django.core.cache import caches
from django.core.handlers.asgi import ASGIHandler
from django.db import connection, connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import get_urlconf, path
from request_scope import SCOPE
from seams import site_in_place

from casgi.django import lease, own_receivers
from casgi.django.thread_pool import ThreadPool

views: dict[str, Callable[[Any], Any]] = {}
calls: list[Any] = []
closes_by_handler = django.VERSION < (5, 0)
"""There send_response() closes, in a trip of its own."""


async def _view(request: Any) -> Any:
    return await views["view"](request)


async def _hello(request: Any) -> HttpResponse:
    return HttpResponse("hello")


urlpatterns = [path("", _view), path("sync/", lambda request: HttpResponse("sync"))]


@pytest.fixture(autouse=True)
def site(pool: ThreadPool, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A site without middleware, with ours in place, whose trips are counted."""
    call_from_task, submit = lease.Lease.call_from_task, lease.Lease.submit

    def counted(self: Any, *args: Any) -> Any:
        calls.append("trip")
        return call_from_task(self, *args)

    def submitted(self: Any, *args: Any, **named: Any) -> Any:
        calls.append("call")
        return submit(self, *args, **named)

    monkeypatch.setattr(lease.Lease, "call_from_task", counted)
    monkeypatch.setattr(lease.Lease, "submit", submitted)
    with site_in_place(__name__):
        yield
    views.clear()
    calls.clear()


async def _ask(url: str = "/", **scope: Any) -> list[Any]:
    """Return what is sent for a request; `calls` has the trips that were made for it."""
    sent: list[Any] = []
    events = iter([{"type": "http.request", "body": scope.pop("body", b"")}])

    async def receive() -> Any:
        for event in events:
            return event
        return await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    async with asyncio.timeout(30):
        url_of_scope = {"path": url, "raw_path": url.encode()}
        await ASGIHandler()({**SCOPE, **url_of_scope, **scope}, receive, send)
    return sent


async def _trips(url: str = "/", **scope: Any) -> int:
    """Return how many trips a request makes, of those that follow the first."""
    await _ask(url)  # It looks at the URLs.
    calls.clear()
    await _ask(url, **scope)
    return len(calls)


async def test_no_thread(pool: ThreadPool) -> None:
    views["view"] = _hello
    assert await _trips() == closes_by_handler
    if not closes_by_handler:
        assert pool.counts()["threads"] == 0


async def test_request_is_closed() -> None:
    answered = []

    async def view(request: Any) -> HttpResponse:
        answered.append((request, HttpResponse()))
        return answered[-1][1]

    views["view"] = view
    await _trips()
    request, response = answered[-1]
    assert response.closed and request._stream.closed and not response._resource_closers


async def test_url_configuration_of_the_request() -> None:
    async def view(request: Any) -> HttpResponse:
        calls.append(get_urlconf())
        return HttpResponse()

    views["view"] = view
    await _ask()
    assert calls[0] == __name__
    assert get_urlconf() is None


async def test_view_that_uses_its_thread(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It has one, in which all is closed that was opened there."""
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "database"}
    settings = connections.configure_settings({"default": sqlite})
    monkeypatch.setattr(connections, "settings", settings)

    def use() -> None:
        connection.cursor().close()
        used.append((threading.current_thread(), connection.connection))

    async def view(request: Any) -> HttpResponse:
        await sync_to_async(use)()
        await sync_to_async(use)()
        return HttpResponse()

    used: list[Any] = []
    finished: list[Any] = []

    class Response(HttpResponse):
        def close(self) -> None:
            super().close()
            finished.append((threading.current_thread(), connection.connection))

    views["view"] = view
    assert await _trips() == 3
    assert used[-1][0] is used[-2][0]

    async def with_own_close(request: Any) -> HttpResponse:
        await view(request)
        return Response()

    views["view"] = with_own_close
    await _trips()
    assert used[-1][1] is not None
    assert finished[-1] == (used[-1][0], None)


def _never_closes(self: Any) -> None:
    pass


async def _with_closer(request: Any) -> HttpResponse:
    response = HttpResponse()
    response._resource_closers.append(lambda: None)
    return response


async def _with_own_close(request: Any) -> HttpResponse:
    response = HttpResponse()
    response.close = _never_closes.__get__(response)  # type: ignore[method-assign]
    return response


async def _with_request_that_closes(request: Any) -> HttpResponse:
    request.close = lambda: None
    return HttpResponse()


async def _with_files(request: Any) -> HttpResponse:
    return HttpResponse(str(request.FILES))


async def _with_cache(request: Any) -> HttpResponse:
    caches["default"].get("name")
    return HttpResponse()


async def _streams(request: Any) -> StreamingHttpResponse:
    async def parts() -> Any:
        yield b"part"

    return StreamingHttpResponse(parts())


_FORM = {
    "method": "POST",
    "headers": [*SCOPE["headers"], (b"content-type", b"multipart/form-data; boundary=b")],
    "body": b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nx\r\n--b--\r\n',
}


@pytest.mark.parametrize(
    ("view", "scope", "count"),
    [
        (_with_closer, {}, 1),
        (_with_own_close, {}, 1),
        (_with_request_that_closes, {}, 1),
        (_with_files, _FORM, 1),
        # Before 6.1 a task of its own has used it, whose context closing does not have.
        (_with_cache, {}, int(django.VERSION >= (6, 1) or closes_by_handler)),
        (_streams, {}, int(closes_by_handler)),
    ],
    ids=lambda one: getattr(one, "__name__", None),
)
async def test_closing_that_is_for_a_thread(view: Any, scope: dict[str, Any], count: int) -> None:
    views["view"] = view
    assert await _trips(**scope) == count


@pytest.mark.parametrize("name", ["request_started", "request_finished"])
async def test_receivers_of_others(name: str) -> None:
    signal = getattr(signals, name)
    views["view"] = _hello
    await _ask()
    heard: list[Any] = []

    def hear(**named: Any) -> None:
        heard.append(threading.current_thread().name)

    signal.connect(hear)
    try:
        assert await _trips() == (2 if name == "request_started" else 1)
    finally:
        signal.disconnect(hear)
    assert len(heard) == 2
    assert all(one.startswith("casgi-context-") for one in heard)


@pytest.mark.parametrize(
    ("owner", "name"),
    [(HttpResponseBase, "close"), (HttpRequest, "close"), (own_receivers.db, "connections")],
)
async def test_code_that_was_replaced(
    owner: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    views["view"] = _hello
    await _ask()
    own = getattr(owner, name)
    replaced: Any = own if name == "connections" else lambda self: own(self)
    if name == "connections":
        replaced = type(own)()
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, replaced)
        assert await _trips() == 2


async def test_context_around_the_handler() -> None:
    """What its thread has is looked after as in Django."""
    views["view"] = _hello
    await _ask()
    async with ThreadSensitiveContext():
        await sync_to_async(calls.append)("outside")
        assert await _trips() == 2


async def test_sync_view_is_one_trip_as_ever() -> None:
    assert await _trips("/sync/") == 2
    assert (await _ask("/sync/"))[1]["body"] == b"sync"


async def test_url_that_is_not_there() -> None:
    assert await _trips("/nowhere/") == closes_by_handler


async def test_request_that_cannot_be_made() -> None:
    views["view"] = _hello
    assert (await _ask(query_string=b"\xff"))[0]["status"] == 400
