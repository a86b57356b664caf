"""Which way each middleware and each view of a project takes, and what prevents the short one.

For people: it looks at classes and functions. What a request does is decided by `chain`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.apps import apps
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.deprecation import MiddlewareMixin
from django.utils.module_loading import import_string

from casgi.django import known_packages, sentry

TOGETHER = "together"
"""In one trip to the request's thread, with what stands beside it or the request's beginning."""
OWN_TRIP = "trip of its own"
IN_THE_LOOP = "event loop"

_PARTS = ("process_request", "process_response")
_ALL_PARTS = (*_PARTS, "process_view", "process_template_response")


@dataclass(frozen=True)
class Way:
    """What one middleware or view does, with the reason if it is not the short way."""

    kind: str
    """"middleware" or "view"."""
    name: str
    way: str
    reason: str


def ways() -> Iterator[Way]:
    """Yield the project's middleware in order, then its views in the order of its URLs."""
    middleware = ways_of_middleware()
    yield from middleware
    prevented_by = _before_views(middleware)
    for route, callback in _views(get_resolver().url_patterns, ""):
        yield _of_view(route, callback, prevented_by)


def ways_of_middleware() -> list[Way]:
    """Return the project's middleware in order."""
    paths = list(settings.MIDDLEWARE)
    factories = [import_string(path) for path in paths]
    in_front = _count_of_sync_front(factories)
    option = sentry.option_that_prevents()
    found = []
    for number, (path, factory) in enumerate(zip(paths, factories, strict=True)):
        way = Way("middleware", path, TOGETHER, "")
        if number >= in_front:
            way = _of_middleware(path, factory)
            if option is not None and way.way == TOGETHER:
                way = Way("middleware", path, OWN_TRIP, f"Sentry's SDK has {option}")
        found.append(way)
    return found


def lines_for_log() -> list[str]:
    """Return a sentence for each reason why middleware of the project runs by itself."""
    if not apps.ready:
        return []
    try:
        found = ways_of_middleware()
    except Exception:  # The project's own handler says it, if there is one.
        return []
    names: dict[str, list[str]] = {}
    for way in found:
        if way.way != TOGETHER:
            names.setdefault(way.reason, []).append(way.name)
    return [
        f"{', '.join(each)}{' run each' if len(each) > 1 else ' runs'} by itself: {reason}"
        for reason, each in names.items()
    ]


def _count_of_sync_front(factories: Sequence[Any]) -> int:
    """Return how many middleware Django runs in sync mode, since one behind them is only sync."""
    modes: list[bool] = []
    is_async = True
    for factory in reversed(factories):
        can_sync = getattr(factory, "sync_capable", True)
        is_async = getattr(factory, "async_capable", False) and (is_async or not can_sync)
        modes.insert(0, is_async)
    return modes.index(True) if True in modes else len(modes)


def _of_middleware(path: str, factory: Any) -> Way:
    is_plain = isinstance(factory, type) and issubclass(factory, MiddlewareMixin)
    package = known_packages.package_of(factory)
    if package is not None:
        reason = package.unsupported_reason()
        return Way("middleware", path, IN_THE_LOOP if reason else TOGETHER, reason or "")
    if not is_plain:
        if not getattr(factory, "async_capable", False):
            reason = "is sync only, behind async code of others"
            return Way("middleware", path, OWN_TRIP, reason)
        return Way("middleware", path, IN_THE_LOOP, "has async code of its own")
    for name in ("__call__", "__acall__"):
        if getattr(factory, name) is not getattr(MiddlewareMixin, name):
            return Way("middleware", path, IN_THE_LOOP, f"has a {name}() of its own")
    for name in _PARTS:
        if iscoroutinefunction(getattr(factory, name, None)):
            return Way("middleware", path, IN_THE_LOOP, f"its {name}() is async")
    return Way("middleware", path, TOGETHER, "")


def _before_views(middleware: Sequence[Way]) -> str:
    """Return what prevents that views run together with middleware, or ""."""
    paths = [way.name for way in middleware]
    if middleware and middleware[-1].way != TOGETHER:
        return f"{paths[-1]}, which stands before the views, does not run together with others"
    for path in paths:
        for name in _ALL_PARTS[2:]:
            if iscoroutinefunction(getattr(import_string(path), name, None)):
                return f"{path}.{name}() is async"
    return ""


def _of_view(route: str, callback: Any, prevented_by: str) -> Way:
    name = f"/{route} {_title(callback)}"
    if iscoroutinefunction(callback):
        return Way("view", name, IN_THE_LOOP, "is async")
    return Way("view", name, OWN_TRIP if prevented_by else TOGETHER, prevented_by)


def _views(patterns: Sequence[Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _views(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route, pattern.callback


def _title(callback: Any) -> str:
    view = getattr(callback, "view_class", None) or getattr(callback, "cls", None) or callback
    name = getattr(view, "__qualname__", type(view).__qualname__)
    return f"{view.__module__}.{name}"
