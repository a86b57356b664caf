"""URLs are resolved in the thread only while all that runs for that is Django's own."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.handlers.base import BaseHandler
from django.http import HttpResponse
from django.test import override_settings
from django.urls import converters, get_resolver, include, path, re_path, register_converter
from django.urls.resolvers import RoutePattern, URLPattern, URLResolver

from casgi.django import url_trees
from casgi.origin import WatchedCode
from casgi.status.routes import DjangoRoutes

REQUEST = SimpleNamespace(urlconf=None)


def view(request: Any, **named: Any) -> HttpResponse:
    return HttpResponse()


class Own(converters.StringConverter):
    """A converter of the project's."""


register_converter(Own, "project")
_more = [path("<slug:name>/", view), re_path("^([0-9]+)/$", view)]
urlpatterns: list[Any] = [path("<int:number>/", view), path("more/", include(_more))]


@pytest.fixture(autouse=True)
def tree(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A tree that was found to be Django's alone."""
    monkeypatch.setattr(url_trees, "_code", WatchedCode(url_trees._look))
    with override_settings(ROOT_URLCONF=__name__):
        url_trees._known.pop(get_resolver(), None)
        url_trees._others.pop(get_resolver(), None)
        assert not url_trees.resolves_anywhere(REQUEST)
        url_trees.examine(REQUEST)
        assert url_trees.resolves_anywhere(REQUEST)
        yield


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (URLResolver, "resolve"),
        (URLPattern, "resolve"),
        (RoutePattern, "match"),
        (converters.IntConverter, "to_python"),
    ],
)
def test_a_method_that_was_replaced(
    monkeypatch: pytest.MonkeyPatch, owner: type, name: str
) -> None:
    method = getattr(owner, name)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, lambda *given: method(*given))
        assert not url_trees.resolves_anywhere(REQUEST)
        url_trees.examine(REQUEST)
        assert not url_trees.resolves_anywhere(REQUEST)


def test_a_method_that_was_replaced_before(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = URLResolver.resolve
    monkeypatch.setattr(url_trees, "_code", WatchedCode(url_trees._look))
    monkeypatch.setattr(URLResolver, "resolve", lambda *given: resolve(*given))
    assert not url_trees.is_code_own()


@pytest.mark.parametrize("patterns", [urlpatterns, _more])
def test_patterns_that_came_later(patterns: list[Any]) -> None:
    patterns.append(path("<project:name>/later/", view))
    assert not url_trees.resolves_anywhere(REQUEST)
    url_trees.examine(REQUEST)
    assert not url_trees.resolves_anywhere(REQUEST)
    patterns.pop()


def test_a_method_of_an_instance() -> None:
    resolver = get_resolver()
    resolver.url_patterns[0].resolve = resolver.url_patterns[0].resolve
    url_trees._known.pop(resolver)
    url_trees.examine(REQUEST)
    assert not url_trees.resolves_anywhere(REQUEST)
    del resolver.url_patterns[0].resolve


def test_times_by_route_make_no_difference() -> None:
    """They stand in for Django's method, in a server with `--metrics`."""
    routes = DjangoRoutes()
    routes.begin(SimpleNamespace())
    assert url_trees.resolves_anywhere(REQUEST)
    routes.end()
    assert url_trees.resolves_anywhere(REQUEST)


def test_code_that_was_replaced_behind_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    method = BaseHandler.resolve_request
    routes = DjangoRoutes()
    routes.begin(SimpleNamespace())
    assert url_trees.resolves_anywhere(REQUEST)
    with monkeypatch.context() as patch:
        patch.setattr(method, "__code__", (lambda self, request: None).__code__)
        assert not url_trees.resolves_anywhere(REQUEST)
    routes.end()


def test_method_that_was_replaced_besides_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    routes = DjangoRoutes()
    routes.begin(SimpleNamespace())
    resolve = URLPattern.resolve
    monkeypatch.setattr(URLPattern, "resolve", lambda *given: resolve(*given))
    assert not url_trees.resolves_anywhere(REQUEST)
    routes.end()
