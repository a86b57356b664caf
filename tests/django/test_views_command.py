"""`manage.py casgi_views` says which way each middleware and view takes, and why."""

from __future__ import annotations

import io
import json
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.http import HttpResponse
from django.test import override_settings
from django.urls import include, path
from django.utils.decorators import async_only_middleware, sync_only_middleware
from django.utils.deprecation import MiddlewareMixin
from django.views import View

from casgi.django import releases, sentry
from casgi.django.ways import lines_for_log
from casgi.management.commands.casgi_views import Command

SECURITY = "django.middleware.security.SecurityMiddleware"


class Plain(MiddlewareMixin):  # type: ignore[misc]
    def process_request(self, request: Any) -> None: ...


class OwnAcall(MiddlewareMixin):  # type: ignore[misc]
    async def __acall__(self, request: Any) -> Any:
        return await super().__acall__(request)


class AsyncPart(MiddlewareMixin):  # type: ignore[misc]
    async def process_request(self, request: Any) -> None: ...


class AsyncView(MiddlewareMixin):  # type: ignore[misc]
    async def process_view(self, request: Any, *rest: Any) -> None: ...


@sync_only_middleware
def sync_only(get_response: Any) -> Any:
    return get_response


@async_only_middleware
def async_only(get_response: Any) -> Any:
    return get_response


def sync_view(request: Any) -> HttpResponse:
    return HttpResponse()


async def async_view(request: Any) -> HttpResponse:
    return HttpResponse()


class Page(View):  # type: ignore[misc]
    def get(self, request: Any) -> HttpResponse:
        return HttpResponse()


urlpatterns = [
    path("sync", sync_view),
    path("more/", include([path("async", async_view), path("<int:page>", Page.as_view())])),
]


def _listed(*middleware: str) -> dict[str, tuple[str, str]]:
    names = [name if "." in name else f"{__name__}.{name}" for name in middleware]
    out = io.StringIO()
    with override_settings(MIDDLEWARE=names, ROOT_URLCONF=__name__):
        call_command(Command(), json=True, stdout=out)
    found = json.loads(out.getvalue())
    return {one["name"].removeprefix(f"{__name__}."): (one["way"], one["reason"]) for one in found}


def test_everything_together() -> None:
    assert _listed(SECURITY, "Plain") == {
        SECURITY: ("together", ""),
        "Plain": ("together", ""),
        f"/sync {__name__}.sync_view": ("together", ""),
        f"/more/async {__name__}.async_view": ("event loop", "is async"),
        f"/more/<int:page> {__name__}.Page": ("together", ""),
    }


@pytest.mark.parametrize(
    ("name", "way", "reason"),
    [
        ("OwnAcall", "event loop", "has a __acall__() of its own"),
        ("AsyncPart", "event loop", "its process_request() is async"),
        ("async_only", "event loop", "has async code of its own"),
    ],
)
def test_middleware_that_prevents_it(name: str, way: str, reason: str) -> None:
    found = _listed("Plain", name)
    assert found["Plain"] == ("together", "")
    assert found[name][0] == way
    assert found[name][1].startswith(reason)
    view, why = found[f"/sync {__name__}.sync_view"]
    assert view == "trip of its own"
    assert why.startswith(f"{__name__}.{name}, which stands before the views")
    assert _listed(name, "Plain")[f"/sync {__name__}.sync_view"] == ("together", "")


def test_sync_only_in_front() -> None:
    """All before it runs in sync mode, and what is behind it in the same trip."""
    found = _listed("Plain", "OwnAcall", "sync_only", "Plain")
    assert {way for name, (way, _) in found.items() if "async" not in name} == {"together"}
    found = _listed("Plain", "sync_only", "OwnAcall")
    assert found["Plain"] == found["sync_only"] == ("together", "")
    assert found["OwnAcall"] == ("event loop", "has a __acall__() of its own")


def test_sync_only_behind_async_only() -> None:
    found = _listed("async_only", "sync_only", "Plain")
    assert found["sync_only"] == (
        "trip of its own",
        "is sync only, behind async code of others",
    )
    assert found["Plain"] == ("together", "")


@pytest.mark.parametrize(
    ("spans", "style", "option"),
    [
        (True, "url", "middleware_spans=True"),
        (False, "function_name", "transaction_style='function_name'"),
    ],
)
def test_options_of_sentry(
    monkeypatch: pytest.MonkeyPatch, spans: bool, style: str, option: str
) -> None:
    integration = SimpleNamespace(middleware_spans=spans, transaction_style=style)
    monkeypatch.setattr(sentry, "_integration", lambda: integration)
    found = _listed(SECURITY, "OwnAcall", "Plain")
    assert found[SECURITY] == found["Plain"] == ("trip of its own", f"Sentry's SDK has {option}")
    assert found["OwnAcall"] == ("event loop", "has a __acall__() of its own")
    assert found[f"/sync {__name__}.sync_view"][0] == "trip of its own"


def test_lines_for_the_log() -> None:
    """One for each reason."""
    names = [f"{__name__}.{name}" for name in ("OwnAcall", "async_only", "AsyncPart", "async_only")]
    with override_settings(MIDDLEWARE=[SECURITY, *names]):
        assert lines_for_log() == [
            f"{names[0]} runs by itself: has a __acall__() of its own",
            f"{names[1]}, {names[1]} run each by itself: has async code of its own",
            f"{names[2]} runs by itself: its process_request() is async",
        ]
    with override_settings(MIDDLEWARE=[SECURITY]):
        assert lines_for_log() == []
    with override_settings(MIDDLEWARE=["there.is.none"]):
        assert lines_for_log() == []


def test_no_middleware() -> None:
    """A view is in the trip in which the request begins."""
    found = _listed()
    assert found[f"/sync {__name__}.sync_view"] == ("together", "")
    assert found[f"/more/async {__name__}.async_view"][0] == "event loop"


def test_async_process_view() -> None:
    way = _listed("AsyncView", "Plain")[f"/sync {__name__}.sync_view"]
    assert way == ("trip of its own", f"{__name__}.AsyncView.process_view() is async")


def test_table(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    with override_settings(MIDDLEWARE=[SECURITY], ROOT_URLCONF=__name__):
        call_command(Command(), stdout=out)
        lines = out.getvalue().splitlines()
        assert lines[0].split() == ["kind", "name", "runs", "reason"]
        assert lines[1].split() == ["middleware", SECURITY, "together"]
        monkeypatch.setattr(releases, "SYNC", set())
        call_command(Command(), stdout=out)
    assert "nothing runs together: asgiref.sync is not of the code" in out.getvalue()


def test_sentry_of_another_age(monkeypatch: pytest.MonkeyPatch) -> None:
    """1.x has no `get_client()`: imported for `DjangoIntegration`, it need not be in use."""
    monkeypatch.setitem(sys.modules, "sentry_sdk", ModuleType("sentry_sdk"))
    monkeypatch.setitem(sys.modules, sentry._DJANGO, ModuleType(sentry._DJANGO))
    assert sentry.is_quiet()
    assert sentry.option_that_prevents() is None
