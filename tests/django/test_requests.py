"""ASGIHandler.handle with ours in place: what random sites do not come to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import django
import pytest
from asgiref.sync import sync_to_async
from django.core import signals
from django.core.cache import caches
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.db import connections
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import override_settings
from django.urls import path
from django.utils.deprecation import MiddlewareMixin
from request_scope import SCOPE as GET
from seams import site_in_place

from casgi.django.passage import Passage
from casgi.django.request import Request
from casgi.django.thread_pool import ThreadPool

SCOPE = {
    **GET,
    "method": "POST",
    "headers": [*GET["headers"], (b"content-type", b"application/octet-stream")],
}

watched = pytest.mark.skipif(
    django.VERSION < (5, 0), reason="Django before 5.0 does not look whether the client is there"
)
events: list[str] = []
views: dict[str, Callable[[Any], Any]] = {}


def length(request: Any) -> HttpResponse:
    return HttpResponse(str(len(request.body)))


urlpatterns = [path("", lambda request: views.get("view", length)(request))]


@pytest.fixture(autouse=True)
def site(pool: ThreadPool, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A site with ours in place; the names of the requests that took the short way."""
    short: list[str] = []
    go = Passage.go

    async def noted(self: Any) -> Any:
        short.append("passage")
        return await go(self)

    monkeypatch.setattr(Passage, "go", noted)
    with site_in_place(__name__):
        yield short
    views.clear()
    events.clear()


async def _answer(
    handler: Any, *pieces: bytes, leaves: asyncio.Event | None = None
) -> tuple[int | None, bytes]:
    messages = [
        {"type": "http.request", "body": piece, "more_body": number < len(pieces)}
        for number, piece in enumerate(pieces, 1)
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        if messages:
            return messages.pop(0)
        await (leaves or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    async with asyncio.timeout(30):
        await handler(dict(SCOPE), receive, send)
    body = b"".join(message.get("body", b"") for message in sent)
    return (sent[0]["status"] if sent else None), body


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 3_000_000])
async def test_bodies(site: list[str], size: int) -> None:
    """In memory and in a file."""
    pieces = [b"x" * 60_000] * (size // 60_000) + [b"x" * (size % 60_000)]
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=None):
        assert await _answer(ASGIHandler(), *pieces) == (200, str(size).encode())
    assert site == ["passage"]


class _SyncOnly:
    """Sync alone, as whitenoise's: what stands before it runs in sync mode, too."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        response = self.get_response(request)
        response["X-Sync"] = threading.current_thread().name
        return response


@pytest.mark.parametrize(
    "middleware", [[], ["_Plain"], ["_SyncOnly"], ["_Plain", "_SyncOnly", "_Plain", "_Plain"]]
)
async def test_one_trip_and_one_to_close(
    site: list[str], monkeypatch: pytest.MonkeyPatch, middleware: list[str]
) -> None:
    from casgi.django import lease

    with override_settings(MIDDLEWARE=[f"{__name__}.{name}" for name in middleware]):
        handler = ASGIHandler()
    await _answer(handler, b"")  # The first looks at the URLs.
    calls: list[Any] = []
    call_from_task = lease.Lease.call_from_task

    def counted(self: Any, *args: Any) -> Any:
        calls.append(args)
        return call_from_task(self, *args)

    monkeypatch.setattr(lease.Lease, "call_from_task", counted)
    assert (await _answer(handler, b""))[0] == 200
    assert len(calls) == 2  # of which before 5.0 send_response() makes the second


@pytest.fixture
def early(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have responses closed early as with casgi's own `send`; the trips that were made."""
    from casgi.django import early_close, lease

    monkeypatch.setattr(early_close, "_is_own", lambda send: True)
    trips: list[str] = []
    call_from_task = lease.Lease.call_from_task

    def counted(self: Any, *args: Any) -> Any:
        trips.append("trip")
        return call_from_task(self, *args)

    monkeypatch.setattr(lease.Lease, "call_from_task", counted)
    return trips


async def _parts() -> AsyncIterator[bytes]:
    yield b"part"


def _with_closer(request: Any) -> HttpResponse:
    response = HttpResponse()
    response._resource_closers.append(lambda: events.append("closed"))
    return response


@watched
@pytest.mark.parametrize(
    ("view", "count"),
    [
        (length, 1),
        (lambda request: HttpResponse(status=404), 2),
        (lambda request: StreamingHttpResponse(_parts()), 2),
        (_with_closer, 2),
        (type("Own", (HttpResponse,), {"close": lambda self: None}), 2),
    ],
)
async def test_trips(early: list[str], view: Callable[[Any], Any], count: int) -> None:
    handler = ASGIHandler()
    await _answer(handler, b"")  # The first looks at the URLs.
    early.clear()
    views["view"] = view
    finished: list[str] = []

    def finish(**named: Any) -> None:
        finished.append(threading.current_thread().name)

    await _answer(handler, b"")
    assert len(early) == count
    signals.request_finished.connect(finish)  # Which anybody can tell from one later.
    try:
        early.clear()
        await _answer(handler, b"")
    finally:
        signals.request_finished.disconnect(finish)
    assert len(early) == max(count, 2 if finished else 1)
    assert all(name.startswith("casgi-context-") for name in finished)


class _Closed:
    """Notes who closes a database or a cache."""

    def __init__(self, name: str) -> None:
        self.name = name

    def close(self, **named: Any) -> None:
        events.append(f"{self.name} in {threading.current_thread().name}")

    close_if_unusable_or_obsolete = close


@watched
async def test_what_an_early_close_looks_after(early: list[str]) -> None:
    """Databases and caches that the request has used, in its thread."""
    used: list[str] = []

    def use(request: Any) -> HttpResponse:
        caches["default"], connections["default"] = _Closed("cache"), _Closed("database")
        used.append(threading.current_thread().name)
        return HttpResponse()

    handler = ASGIHandler()
    await _answer(handler, b"")
    early.clear()
    views["view"] = use
    events.clear()
    await _answer(handler, b"")
    assert len(early) == 1
    closed = [event for event in events if " in " in event]
    assert closed == [f"database in {used[0]}", f"cache in {used[0]}"]


@watched
async def test_error_of_an_early_close(early: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is raised when the response has been sent, as ever."""
    handler = ASGIHandler()
    await _answer(handler, b"")
    sent: list[Any] = []

    def fail(self: Any) -> None:
        raise ZeroDivisionError

    async def send(message: Any) -> None:
        sent.append(message["type"])

    receiving = iter([{"type": "http.request"}])

    async def receive_once() -> Any:
        for event in receiving:
            return event
        return await asyncio.Event().wait()

    monkeypatch.setattr(HttpResponseBase, "close", fail)
    with pytest.raises(ZeroDivisionError):
        await handler(dict(SCOPE), receive_once, send)
    assert sent == ["http.response.start", "http.response.body"]


@watched
async def test_context_around_the_handler(early: list[str], pool: ThreadPool) -> None:
    """Middleware of ASGI may have it; what it left in its thread is there behind the request."""
    from asgiref.sync import ThreadSensitiveContext

    handler = ASGIHandler()
    await _answer(handler, b"")
    async with ThreadSensitiveContext():
        before = await sync_to_async(threading.current_thread)()
        await _answer(handler, b"")
        assert await sync_to_async(threading.current_thread)() is before


@pytest.fixture
def starts() -> Iterator[dict[str, Callable[[], None]]]:
    """What a receiver of request_started does; signals are noted."""
    does: dict[str, Callable[[], None]] = {}

    def started(**named: Any) -> None:
        events.append("started")
        does.get("start", lambda: None)()

    def finished(**named: Any) -> None:
        events.append("finished")

    signals.request_started.connect(started)
    signals.request_finished.connect(finished)
    yield does
    signals.request_started.disconnect(started)
    signals.request_finished.disconnect(finished)


@watched
async def test_client_that_leaves_while_it_starts(starts: dict[str, Callable[[], None]]) -> None:
    left, loop = asyncio.Event(), asyncio.get_running_loop()
    cancelled = threading.Event()
    end_unanswered = Request._end_unanswered

    async def noted(self: Any) -> None:
        cancelled.set()
        await end_unanswered(self)

    def leave() -> None:
        loop.call_soon_threadsafe(left.set)
        assert cancelled.wait(20)

    starts["start"] = leave
    views["view"] = lambda request: events.append("view")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Request, "_end_unanswered", noted)
        assert await _answer(ASGIHandler(), b"", leaves=left) == (None, b"")
    assert events == ["started", "finished"]


@watched
async def test_client_that_leaves_before_its_thread_begins(
    starts: dict[str, Callable[[], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who starts and who finishes is told all the same."""
    left, goes_on = asyncio.Event(), threading.Event()
    handler: Any = ASGIHandler()
    listen = handler.listen_for_disconnect

    async def listen_and_let_go(receive: Any) -> None:
        try:
            await listen(receive)
        finally:
            asyncio.get_running_loop().call_later(0.05, goes_on.set)

    async def occupied(receive: Any) -> Any:
        from asgiref.sync import SyncToAsync

        context = SyncToAsync.thread_sensitive_context.get()
        SyncToAsync.context_to_thread_executor[context].submit(goes_on.wait, 20)
        left.set()
        return await read_body(receive)

    read_body = handler.read_body
    monkeypatch.setattr(handler, "listen_for_disconnect", listen_and_let_go, raising=False)
    monkeypatch.setattr(handler, "read_body", occupied, raising=False)
    views["view"] = lambda request: events.append("view")
    assert await _answer(handler, b"", leaves=left) == (None, b"")
    assert events == ["started", "finished"]


@watched
async def test_client_that_leaves_while_it_waits_for_a_thread(
    pool: ThreadPool, starts: dict[str, Callable[[], None]]
) -> None:
    """It goes, though no thread is free, and nothing has begun."""
    pool.limit = 1
    began, goes_on, left = asyncio.Event(), threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def view(request: Any) -> HttpResponse:
        events.append("view")
        loop.call_soon_threadsafe(began.set)
        assert goes_on.wait(20)
        return HttpResponse("first")

    views["view"] = view
    handler = ASGIHandler()
    first = asyncio.create_task(_answer(handler, b""))
    await began.wait()
    second = asyncio.create_task(_answer(handler, b"", leaves=left))
    while not pool.counts()["waiting"]:
        await asyncio.sleep(0)
    left.set()
    assert await second == (None, b"")
    assert pool.counts()["dropped"] == 1
    goes_on.set()
    assert await first == (200, b"first")
    assert events == ["started", "view", "finished"]


async def test_server_that_gives_up_while_it_starts(
    starts: dict[str, Callable[[], None]],
) -> None:
    """As in Django, nothing goes on when handle() itself is cancelled there."""
    began, goes_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def wait() -> None:
        loop.call_soon_threadsafe(began.set)
        goes_on.wait(20)

    starts["start"] = wait
    views["view"] = lambda request: events.append("view")
    handler = _WithFiles()
    task = asyncio.create_task(_answer(handler, b""))
    await began.wait()
    task.cancel()
    await asyncio.sleep(0)
    goes_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert events == ["started"]
    handler.file.close()  # Django leaves it open there, too.


class _WithFiles(ASGIHandler):  # type: ignore[misc]
    async def read_body(self, receive: Any) -> Any:
        self.file = await super().read_body(receive)
        return self.file


class _OwnRequest(ASGIRequest):  # type: ignore[misc]
    def __init__(self, scope: Any, body_file: Any) -> None:
        events.append("main" if threading.current_thread() is threading.main_thread() else "other")
        super().__init__(scope, body_file)


class _WithOwnRequests(ASGIHandler):  # type: ignore[misc]
    request_class = _OwnRequest


class _WithOwnCreate(ASGIHandler):  # type: ignore[misc]
    def create_request(self, scope: Any, body_file: Any) -> Any:
        events.append("main" if threading.current_thread() is threading.main_thread() else "other")
        return super().create_request(scope, body_file)


class _WithOwnHandle(ASGIHandler):  # type: ignore[misc]
    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        events.append("main")
        await super().handle(scope, receive, send)


@pytest.mark.parametrize(
    ("kind", "is_short"),
    [(_WithOwnRequests, False), (_WithOwnCreate, False), (_WithOwnHandle, True)],
)
async def test_handlers_of_their_own(site: list[str], kind: Any, is_short: bool) -> None:
    assert await _answer(kind(), b"abc") == (200, b"3")
    assert events == ["main"]
    assert bool(site) == is_short


async def test_replaced_on_the_instance(site: list[str]) -> None:
    handler: Any = _WithFiles()

    async def get_response_async(request: Any) -> HttpResponse:
        return HttpResponse("mine")

    handler.get_response_async = get_response_async
    assert await _answer(handler, b"") == (200, b"mine")
    assert site == []
    handler.file.close()  # Nobody else does in Django 4.2.
    handler = _WithFiles()
    handler._middleware_chain = get_response_async
    assert await _answer(handler, b"") == (200, b"mine")
    assert site == []
    handler.file.close()


class _Plain(MiddlewareMixin):  # type: ignore[misc]
    def process_response(self, request: Any, response: Any) -> Any:
        response["X-Plain"] = "yes"
        return response


async def _changed(site: list[str], change: Callable[[Any], None]) -> tuple[Any, list[str]]:
    """Return the answer of a handler that is changed after its first requests, and the ways."""
    with override_settings(MIDDLEWARE=[f"{__name__}._Plain", f"{__name__}._Plain"]):
        handler: Any = ASGIHandler()
    assert [(await _answer(handler, b"ab"))[1] for _ in range(3)] == [b"2"] * 3
    site.clear()
    change(handler)
    return await _answer(handler, b"ab"), site


def _inner(handler: Any) -> Any:
    """Return the innermost middleware of a handler's chain."""
    outer = handler._middleware_chain.__closure__[0].cell_contents
    return outer.get_response.__closure__[0].cell_contents


async def test_chain_that_changes_after_it_was_read(site: list[str]) -> None:
    """Whatever of it that is: what runs is what is there now."""

    async def mine(request: Any) -> HttpResponse:
        return HttpResponse("mine")

    def get_response(handler: Any) -> None:
        _inner(handler).get_response = mine

    def chain(handler: Any) -> None:
        handler._middleware_chain = mine

    def view_middleware(handler: Any) -> None:
        handler._view_middleware.append(sync_to_async(lambda *_: HttpResponse("mine")))

    def own_part(handler: Any) -> None:
        _inner(handler).process_request = lambda request: HttpResponse("mine")

    def own_call(handler: Any) -> None:
        kind = type("Own", (_Plain,), {"__acall__": lambda self, request: mine(request)})
        _inner(handler).__class__ = kind

    for change in (get_response, chain, view_middleware, own_part, own_call):
        assert (await _changed(site, change))[0] == (200, b"mine"), change.__name__


async def test_method_that_becomes_async(site: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """sync_to_async() refuses it, as it would without us."""

    async def process_response(self: Any, request: Any, response: Any) -> Any:
        return response

    def change(handler: Any) -> None:
        monkeypatch.setattr(_Plain, "process_response", process_response)

    (status, _), ways = await _changed(site, change)
    assert (status, ways) == (500, [])


async def test_many_at_once(pool: ThreadPool) -> None:
    barrier = threading.Barrier(100)

    def view(request: Any) -> HttpResponse:
        barrier.wait(20)
        return HttpResponse(request.body)

    views["view"] = view
    handler = ASGIHandler()
    answers = await asyncio.gather(*(_answer(handler, b"%d" % n) for n in range(100)))
    assert answers == [(200, b"%d" % n) for n in range(100)]
