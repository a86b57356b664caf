"""django-cors-headers' middleware runs in the trip, and only as long as nothing could tell."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path
from request_scope import SCOPE as GET
from seams import site_in_place

pytest.importorskip("corsheaders", reason="pip install -e '.[frameworks]'")
from corsheaders import middleware as module
from corsheaders.conf import Settings
from corsheaders.middleware import CorsMiddleware
from corsheaders.signals import check_request_enabled

from casgi.django import corsheaders, lease, ways
from casgi.django.thread_pool import ThreadPool
from casgi.origin import WatchedCode

Patch = pytest.MonkeyPatch
CORS = "corsheaders.middleware.CorsMiddleware"
PLAIN = "django.middleware.common.CommonMiddleware"
SCOPE = {**GET, "headers": [*GET["headers"], (b"origin", b"https://example.com")]}
urlpatterns = [path("", lambda request: HttpResponse("hello"))]


class Subclass(CorsMiddleware):  # type: ignore[misc]
    """One with code that was not read."""


class _Text(str):
    """A value that could run code when it is read."""


@pytest.fixture(autouse=True)
def site(pool: ThreadPool, monkeypatch: Patch) -> Iterator[None]:
    """A site with ours in place, which has not seen the package yet."""
    monkeypatch.setattr(corsheaders, "_known", WatchedCode(corsheaders._look))
    origins = ["https://example.com"]
    chain = [PLAIN, CORS, PLAIN]
    with site_in_place(__name__, MIDDLEWARE=chain, CORS_ALLOWED_ORIGINS=origins):
        yield


async def _trips(handler: Any, patch: Patch) -> int:
    """Return how many trips to the thread a request makes."""
    calls: list[object] = []
    submit = lease.Lease._submit

    def counted(self: Any, call: Any) -> None:
        calls.append(call)
        submit(self, call)

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    messages = [{"type": "http.request", "body": b""}]

    async def receive() -> Any:
        return messages.pop() if messages else await _never()

    with patch.context() as one:
        one.setattr(lease.Lease, "_submit", counted)
        await handler(dict(SCOPE), receive, send)
    assert sent[0]["status"] == 200
    assert (b"access-control-allow-origin", b"https://example.com") in [
        (name.lower(), value) for name, value in sent[0]["headers"]
    ]
    return len(calls)


async def _never() -> Any:
    await asyncio.Event().wait()


def a_receiver(handler: Any, patch: Patch) -> None:
    check_request_enabled.connect(_receive)
    patch.setattr(Undo, "function", lambda: check_request_enabled.disconnect(_receive))


def _receive(sender: Any, **named: Any) -> bool:
    return False


class Undo:
    """What undoes a change that is no assignment."""

    function: Callable[[], object] = staticmethod(lambda: None)


def another_method(handler: Any, patch: Patch) -> None:
    own = CorsMiddleware.add_response_headers
    patch.setattr(CorsMiddleware, "add_response_headers", lambda *parts: own(*parts))


def another_code(handler: Any, patch: Patch) -> None:
    def regex_domain_match(self: Any, origin: str) -> bool:
        return False

    code = regex_domain_match.__code__
    patch.setattr(CorsMiddleware.regex_domain_match, "__code__", code)


def a_method_of_the_instance(handler: Any, patch: Patch) -> None:
    outer = handler._middleware_chain.__closure__[0].cell_contents
    cors = outer.get_response.__closure__[0].cell_contents
    own = cors.is_enabled
    patch.setattr(cors, "is_enabled", lambda request: own(request), raising=False)


def other_settings_of_the_package(handler: Any, patch: Patch) -> None:
    class Other(Settings):  # type: ignore[misc]
        pass

    patch.setattr(module, "conf", Other())


def another_property(handler: Any, patch: Patch) -> None:
    patch.setattr(Settings, "CORS_URLS_REGEX", property(lambda self: ".*"))


def another_module(handler: Any, patch: Patch) -> None:
    class Other:
        match = staticmethod(module.re.match)

    patch.setattr(module, "re", Other())


def a_setting_that_runs_code(handler: Any, patch: Patch) -> None:
    patch.setattr(settings, "CORS_ALLOWED_ORIGINS", [_Text("https://example.com")])


def a_setting_that_was_not_there(handler: Any, patch: Patch) -> None:
    settings.CORS_URLS_REGEX = _Text(".*")
    patch.setattr(Undo, "function", lambda: delattr(settings, "CORS_URLS_REGEX"))


def something_in_a_list(handler: Any, patch: Patch) -> None:
    settings.CORS_ALLOWED_ORIGINS.append(_Text("https://example.org"))
    patch.setattr(Undo, "function", settings.CORS_ALLOWED_ORIGINS.pop)


CHANGES = [
    a_receiver,
    another_method,
    another_code,
    a_method_of_the_instance,
    other_settings_of_the_package,
    another_property,
    another_module,
    a_setting_that_runs_code,
    a_setting_that_was_not_there,
    something_in_a_list,
]


@contextlib.contextmanager
def _changed(change: Callable[[Any, Patch], None], handler: Any) -> Iterator[None]:
    with Patch.context() as patch:
        change(handler, patch)
        yield
        Undo.function()


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
async def test_what_prevents_it(change: Callable[[Any, Patch], None], monkeypatch: Patch) -> None:
    """It is noticed at the next request, whose middleware runs in the event loop as ever."""
    handler = ASGIHandler()
    await _trips(handler, monkeypatch)  # The first looks at the URLs.
    assert await _trips(handler, monkeypatch) == 2
    with _changed(change, handler):
        assert await _trips(handler, monkeypatch) > 2


@pytest.mark.parametrize("number", range(3))
async def test_any_place(number: int, monkeypatch: Patch) -> None:
    middleware = [PLAIN, PLAIN]
    middleware.insert(number, CORS)
    with override_settings(MIDDLEWARE=middleware):
        handler = ASGIHandler()
        await _trips(handler, monkeypatch)
        assert await _trips(handler, monkeypatch) == 2


async def test_a_subclass(monkeypatch: Patch) -> None:
    with override_settings(MIDDLEWARE=[PLAIN, f"{__name__}.Subclass", PLAIN]):
        handler = ASGIHandler()
    await _trips(handler, monkeypatch)
    assert await _trips(handler, monkeypatch) > 2


def test_casgi_views() -> None:
    def listed() -> tuple[str, str]:
        return next((way.way, way.reason) for way in ways.ways() if way.name == CORS)

    assert listed() == ("together", "")
    check_request_enabled.connect(_receive)
    assert listed() == (
        "event loop",
        "corsheaders.middleware.check_request_enabled has receivers",
    )
    check_request_enabled.disconnect(_receive)


async def test_a_release_that_was_not_read(monkeypatch: Patch) -> None:
    monkeypatch.setattr(corsheaders, "_TEXTS", {})
    monkeypatch.setattr(corsheaders, "_known", WatchedCode(corsheaders._look))
    handler = ASGIHandler()
    await _trips(handler, monkeypatch)
    assert await _trips(handler, monkeypatch) > 2
    assert corsheaders.unsupported_reason() == (
        "corsheaders.middleware is not of a code that was read"
    )
