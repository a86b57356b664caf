"""Code that is assigned to Django's functions, and signals that are shadowed, while ours serve:
each is called as often as by Django alone, and no more than that once it is as it was.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
from collections.abc import Callable, Iterator
from operator import attrgetter
from types import FunctionType
from typing import Any

import django
import pytest
from django.core import signals
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpResponse
from django.test import override_settings
from django.urls import clear_url_caches, path
from request_scope import SCOPE

from casgi.django import releases, url_trees
from casgi.django.file_responses import FileResponses
from casgi.django.hop import ShortHops
from casgi.django.middleware_seam import PlainMiddleware
from casgi.django.passage import Passage
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
    seams = (ShortHops(), FileResponses(), PlainMiddleware(), Requests())
    for seam in seams:
        seam.install()
    yield found
    for seam in reversed(seams):
        seam.remove()


def _put_around(function: FunctionType, monkeypatch: pytest.MonkeyPatch, title: str) -> None:
    """Assign code to a function that notes the call and does what it did."""
    code = function.__code__
    own = FunctionType(code, function.__globals__, "own", function.__defaults__)
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
    monkeypatch.setattr(function, "__code__", namespace["f"].__code__)


async def _answers(handler: ASGIHandler) -> list[tuple[int, bytes]]:
    return [await _answer(handler, path) for path in ("/", "/broken")]


async def _answer(handler: ASGIHandler, path: str) -> tuple[int, bytes]:
    sent: list[Any] = []
    events = [{"type": "http.request"}]

    async def receive() -> Any:
        return events.pop() if events else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    async with asyncio.timeout(30):
        await handler({**SCOPE, "path": path}, receive, send)
    return sent[0]["status"], sent[1]["body"]


def _function_at(title: str) -> Any:
    module, _, name = title.partition(" ")
    found = attrgetter(name)(importlib.import_module(module))
    ours = getattr(found, "__module__", "").startswith("casgi.")
    return original_of(found) if ours else found


async def _counted(title: str) -> tuple[list[tuple[int, bytes]], int]:
    handler = ASGIHandler()
    await _answers(handler)
    with pytest.MonkeyPatch.context() as patch:
        _put_around(_function_at(title), patch, title)
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
    reason = f"django.core.signals.request_started.{shadowed()} was replaced"
    assert releases.unsupported_requests() == reason
    assert releases.unsupported_static_files() == reason
