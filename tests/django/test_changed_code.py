"""Code that is assigned to Django's functions, and signals that are shadowed, while ours serve:
each is called as often as by Django alone, and no more than that once it is as it was.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from types import CodeType, FunctionType
from typing import Any

import django
import pytest
from django.core import signals
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.http import HttpResponse, response
from django.http.response import HttpResponseBase, ResponseHeaders
from django.test import override_settings
from django.urls import clear_url_caches, path
from django.utils.datastructures import CaseInsensitiveMapping
from django.utils.deprecation import MiddlewareMixin
from request_scope import SCOPE
from seams import in_place

from casgi.django import early_close, first_trip, memory_responses, releases, url_trees
from casgi.django.file_responses import FileResponses
from casgi.django.hop import ShortHops
from casgi.django.middleware_seam import PlainMiddleware
from casgi.django.passage import Passage
from casgi.django.request import ENDS
from casgi.django.request_seam import Requests
from casgi.django.thread_pool import ThreadPool
from casgi.origin import WatchedCode, original_of

_KIND = releases.kind_of_requests()
_NOT_CALLED = {"convert_exception_to_response", "BaseHandler.adapt_method_mode"}
NAMES = [
    f"{module} {name}"
    for module, name in (*releases.REQUESTS, *releases.BESIDES[_KIND or ""], *releases.MIDDLEWARE)
    if name not in _NOT_CALLED
]
calls: list[str] = []
wrappers: dict[str, Callable[..., Any]] = {}


def fine(request: Any) -> HttpResponse:
    return HttpResponse("fine")


def broken(request: Any) -> HttpResponse:
    raise ValueError("broken on purpose")


urlpatterns = [path("", fine), path("broken", broken)]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
]


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # Code of URLs that was changed once is not relied on again: here, for this test only.
    monkeypatch.setattr(url_trees, "_code", WatchedCode(url_trees._look))
    with override_settings(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], MIDDLEWARE=MIDDLEWARE):
        clear_url_caches()
        yield
    calls.clear()
    wrappers.clear()


@pytest.fixture
def short(pool: ThreadPool, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Ours in place; a word for each request that took the short way."""
    found: list[str] = []
    enter = Passage.enter
    go = Passage.go

    def noted(self: Any) -> Any:
        found.append("short")
        return enter(self)

    async def gone(self: Any) -> Any:
        found.append("short")
        return await go(self)

    monkeypatch.setattr(Passage, "enter", noted)
    monkeypatch.setattr(Passage, "go", gone)
    with in_place(ShortHops(), FileResponses(), PlainMiddleware(), Requests()):
        yield found


def _put_around(function: FunctionType, monkeypatch: pytest.MonkeyPatch, title: str) -> None:
    """Assign code to a function that notes the call and does what it did."""
    code, closure = function.__code__, function.__closure__
    own = FunctionType(code, function.__globals__, "own", function.__defaults__, closure)
    own.__kwdefaults__ = function.__kwdefaults__

    def note(*args: Any, **named: Any) -> Any:
        calls.append(title)
        return own(*args, **named)

    wrappers[title] = note
    is_async = inspect.iscoroutinefunction(function)
    text = f"{'async ' if is_async else ''}def f(*args, **named):\n"
    text += f"    from {__name__} import wrappers\n"
    text += f"    return {'await ' if is_async else ''}wrappers[{title!r}](*args, **named)\n"
    namespace: dict[str, Any] = {}
    exec(text, namespace)
    around: CodeType = namespace["f"].__code__
    monkeypatch.setattr(function, "__code__", around.replace(co_freevars=code.co_freevars))


async def _answers(handler: ASGIHandler) -> list[tuple[int, bytes]]:
    return [await _answer(handler, path) for path in ("/", "/broken")]


async def _answer(handler: ASGIHandler, path: str) -> tuple[int, bytes]:
    sent = await _messages(handler, path)
    return sent[0]["status"], sent[1]["body"]


async def _messages(handler: ASGIHandler, path: str, sent: list[Any] | None = None) -> list[Any]:
    sent = [] if sent is None else sent
    events = [{"type": "http.request"}]

    async def receive() -> Any:
        return events.pop() if events else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    async with asyncio.timeout(30):
        await handler({**SCOPE, "path": path}, receive, send)
    return sent


def _function_at(title: str) -> Any:
    module, _, name = title.partition(" ")
    found = attrgetter(name)(importlib.import_module(module))
    ours = getattr(found, "__module__", "").startswith("casgi.")
    return original_of(found) if ours else found


async def _counted(
    title: str, find: Callable[[str], Any] = _function_at
) -> tuple[list[tuple[int, bytes]], int]:
    handler = ASGIHandler()
    await _answers(handler)
    with pytest.MonkeyPatch.context() as patch:
        _put_around(find(title), patch, title)
        answers = await _answers(handler)
    found = len(calls)
    calls.clear()
    return answers, found


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("title", NAMES)
async def test_assigned_code_is_run(
    title: str, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    stock = await _counted(title)
    assert stock[1], "it is never called: nothing is tried"
    short = request.getfixturevalue("short")
    assert await _counted(title) == stock
    words = [line for line in caplog.messages if "while casgi served" in line]
    assert any(title.replace(" ", ".") in line for line in words)
    short.clear()
    await _answers(ASGIHandler())
    assert short  # as long as it is what was read


@pytest.mark.usefixtures("site")
async def test_code_is_assigned_to_what_stands_in(request: pytest.FixtureRequest) -> None:
    """Who looks for Django's function while ours is there finds ours."""
    title = "django.utils.deprecation MiddlewareMixin.__acall__"
    stock = await _counted(title)
    request.getfixturevalue("short")
    assert await _counted(title, lambda title: vars(MiddlewareMixin)["__acall__"]) == stock


def test_class_of_requests_that_was_replaced_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ASGIHandler, "request_class", type("Own", (ASGIRequest,), {}))
    reason = releases.unsupported_requests() or ""
    assert reason.startswith("django.core.handlers.asgi.ASGIHandler.request_class was changed")


@pytest.mark.skipif(django.VERSION < (5, 0), reason="it does not look whether the client is there")
@pytest.mark.usefixtures("site")
async def test_what_watches_the_client_was_replaced_before(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = ASGIHandler.listen_for_disconnect

    async def listen_for_disconnect(self: Any, receive: Any) -> Any:
        calls.append("listens")
        return await own(self, receive)

    with monkeypatch.context() as patch:
        patch.setattr(ASGIHandler, "listen_for_disconnect", listen_for_disconnect)
        patch.setitem(ENDS, "listen_for_disconnect", listen_for_disconnect)  # As at an import now.
        request.getfixturevalue("short")
        patch.setattr(early_close, "_is_own", lambda send: True)
        patch.setattr(first_trip, "is_watchable", lambda receive: True)
        handler = ASGIHandler()
        await _answer(handler, "/")
        await _answer(handler, "/")
    assert calls == ["listens"] * 2


def _items(self: Any) -> Any:
    return [("X-Own", "1")]


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("owner", [ResponseHeaders, CaseInsensitiveMapping, Mapping])
@pytest.mark.parametrize("is_before", [True, False])
async def test_what_reads_headers_is_replaced(
    owner: type, is_before: bool, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_responses, "_code", WatchedCode(memory_responses._look))
    monkeypatch.setattr(early_close, "_is_own", lambda send: True)
    monkeypatch.setattr(first_trip, "is_watchable", lambda receive: True)
    with monkeypatch.context() as patch:
        if is_before:
            patch.setattr(owner, "items", _items, raising=False)
        request.getfixturevalue("short")
        patch.setattr(owner, "items", _items, raising=False)
        sent = await _messages(ASGIHandler(), "/")
    assert sent[0]["headers"] == [(b"X-Own", b"1")]


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("is_before", [True, False])
async def test_what_closes_responses_is_replaced(
    is_before: bool, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can tell whether the response was sent."""
    close = HttpResponseBase.close
    monkeypatch.setattr(early_close, "_is_own", lambda send: True)
    monkeypatch.setattr(first_trip, "is_watchable", lambda receive: True)
    sent: list[Any] = []

    def noted(self: Any) -> None:
        calls.append(f"closed after {len(sent)}")
        close(self)

    with monkeypatch.context() as patch:
        if is_before:
            patch.setattr(HttpResponseBase, "close", noted)
        request.getfixturevalue("short")
        patch.setattr(HttpResponseBase, "close", noted)
        await _messages(ASGIHandler(), "/", sent)
    assert calls == ["closed after 2"]


@pytest.mark.parametrize("name", releases.CONTENT["django.http.response"])
def test_what_yields_content_was_replaced_before(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, _, attribute = name.partition(".")
    monkeypatch.setattr(getattr(response, owner), attribute, lambda self, *args: iter([b""]))
    reason = releases.unsupported_files() or ""
    assert reason.startswith(f"django.http.response.{name} was replaced")


@pytest.fixture
def shadowed(monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Put a function over the signal's own that sends request_started; return the name of both."""

    def shadow() -> str:
        name = "asend" if django.VERSION >= (5, 0) else "send"
        own = getattr(signals.request_started, name)

        def noted(*args: Any, **named: Any) -> Any:
            calls.append(name)
            return own(*args, **named)

        monkeypatch.setitem(vars(signals.request_started), name, noted)
        return name

    return shadow


@pytest.mark.usefixtures("site", "short")
async def test_signal_is_sent_by_what_shadows_it(shadowed: Callable[[], str]) -> None:
    handler = ASGIHandler()
    await _answer(handler, "/")
    name = shadowed()
    await _answer(handler, "/")
    assert calls == [name]


def test_signal_that_is_shadowed_before(shadowed: Callable[[], str]) -> None:
    name = shadowed()
    signal = "django.core.signals.request_started"
    assert releases.unsupported_requests() == f"{signal}.{name} was replaced"
    assert releases.unsupported_static_files() == f"{signal} has a {name} of its own"
