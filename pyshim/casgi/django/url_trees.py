"""Whether a request's URL can be resolved in any thread alike: all that runs is Django's own code.

Django resolves in the event loop. A path converter of the project's, a class of its own for
patterns, or who has replaced a method of Django's, could tell the difference; such a tree is
resolved there still.
"""

from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

from django.core.handlers.base import BaseHandler
from django.urls import base, converters, get_resolver, resolvers

from casgi.origin import Watch, WatchedCode, change_in

_PATTERNS = {resolvers.RegexPattern, resolvers.RoutePattern, resolvers.LocalePrefixPattern}
_CONVERTERS = {
    converters.IntConverter,
    converters.StringConverter,
    converters.UUIDConverter,
    converters.SlugConverter,
    converters.PathConverter,
}

_METHODS = ("resolve", "match", "to_python", "__getattribute__", "__getattr__", "__dict__")
_FUNCTIONS = ("get_resolver", "_get_cached_resolver", "get_ns_resolver")

# The lists of patterns of each tree that is Django's alone, each with what was in it.
_known: WeakKeyDictionary[Any, tuple[list[Any], list[Any]]] = WeakKeyDictionary()
_others: WeakKeyDictionary[Any, None] = WeakKeyDictionary()


def resolves_anywhere(request: Any) -> bool:
    """Whether the resolver of a request is one that `examine` has found to be Django's alone."""
    known = _known.get(get_resolver(getattr(request, "urlconf", None)))
    if known is None:
        return False
    lists, copies = known
    return is_code_own() and lists == copies


def examine(request: Any) -> None:
    """Look at the resolver that was just used for a request, once."""
    resolver = get_resolver(getattr(request, "urlconf", None))
    if resolver in _others:
        return
    _known.pop(resolver, None)
    if is_code_own() and _is_own(resolver):
        lists = list(_lists_of(resolver))
        _known[resolver] = lists, list(map(list, lists))
    else:
        _others[resolver] = None


def is_code_own() -> bool:
    """Whether nobody has put something in the place of Django's functions that resolve."""
    return _code.change() is None


def _is_own(resolver: Any) -> bool:
    if type(resolver) is not resolvers.URLResolver or not _is_own_pattern(resolver.pattern):
        return False
    if type(resolver.url_patterns) is not list or vars(resolver).keys() & set(_METHODS):
        return False
    for pattern in resolver.url_patterns:
        if type(pattern) is resolvers.URLPattern:
            if not _is_own_pattern(pattern.pattern) or vars(pattern).keys() & set(_METHODS):
                return False
        elif not _is_own(pattern):
            return False
    return True


def _is_own_pattern(pattern: Any) -> bool:
    return (
        type(pattern) in _PATTERNS
        and not vars(pattern).keys() & set(_METHODS)
        and all(type(converter) in _CONVERTERS for converter in pattern.converters.values())
    )


def _lists_of(resolver: Any) -> Iterator[list[Any]]:
    yield resolver.url_patterns
    for pattern in resolver.url_patterns:
        if type(pattern) is resolvers.URLResolver:
            yield from _lists_of(pattern)


_CLASSES = (resolvers.URLResolver, resolvers.URLPattern, *_PATTERNS, *_CONVERTERS)


def _own_methods() -> Iterator[tuple[type, str]]:
    for kind in _CLASSES:
        for name in ("resolve", "match", "to_python"):
            if name in vars(kind):
                yield kind, name


def _look() -> Watch | str:
    names = [f"{kind.__name__}.{name}" for kind, name in _own_methods()]
    of_converters = {f"{kind.__name__}.to_python" for kind in _CONVERTERS}
    change = change_in(
        "django.urls.resolvers", [name for name in names if name not in of_converters]
    ) or change_in("django.urls.converters", of_converters & set(names))
    return change or Watch(
        [
            *((kind, name) for kind in _CLASSES for name in _METHODS[:-1]),
            *((resolvers, name) for name in _FUNCTIONS),
            (base, "get_resolver"),
            (BaseHandler, "resolve_request"),
        ]
    )


_code = WatchedCode(_look)
