"""Whether a request's URL can be resolved in any thread alike: all that runs is Django's own code.

Django resolves in the event loop. A path converter of the project's, or a class of its own for
patterns, could tell the difference; such a tree is resolved there still.
"""

from typing import Any
from weakref import WeakSet

from django.urls import converters, get_resolver, resolvers

_PATTERNS = {resolvers.RegexPattern, resolvers.RoutePattern, resolvers.LocalePrefixPattern}
_CONVERTERS = {
    converters.IntConverter,
    converters.StringConverter,
    converters.UUIDConverter,
    converters.SlugConverter,
    converters.PathConverter,
}

_known: WeakSet[Any] = WeakSet()
_others: WeakSet[Any] = WeakSet()


def resolves_anywhere(request: Any) -> bool:
    """Whether the resolver of a request is one that `examine` has found to be Django's alone."""
    return get_resolver(getattr(request, "urlconf", None)) in _known


def examine(request: Any) -> None:
    """Look at the resolver that was just used for a request, once."""
    resolver = get_resolver(getattr(request, "urlconf", None))
    if resolver not in _known and resolver not in _others:
        (_known if _is_own(resolver) else _others).add(resolver)


def _is_own(resolver: Any) -> bool:
    if type(resolver) is not resolvers.URLResolver or not _is_own_pattern(resolver.pattern):
        return False
    for pattern in resolver.url_patterns:
        if type(pattern) is resolvers.URLPattern:
            if not _is_own_pattern(pattern.pattern):
                return False
        elif not _is_own(pattern):
            return False
    return True


def _is_own_pattern(pattern: Any) -> bool:
    return type(pattern) in _PATTERNS and all(
        type(converter) in _CONVERTERS for converter in pattern.converters.values()
    )
