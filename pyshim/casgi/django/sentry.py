"""What Sentry's SDK puts around Django's functions and middleware, where it is what was read.

It wraps every middleware and three functions of the handler. Each wrapper is a function or a class
within a function of the SDK, and known by the body that its file gives it and by its code. What it
does besides calling what it wraps is done by its own code here, too.
"""

import functools
import hashlib
import sys
from collections.abc import Callable
from types import CellType, CodeType, FunctionType
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler

from casgi.origin import nested_function

_DJANGO = "sentry_sdk.integrations.django"
_VIEW = (f"{_DJANGO}.views", "patch_views.<locals>.sentry_patched_make_view_atomic")
_GET_RESPONSE = (
    f"{_DJANGO}.asgi",
    "patch_get_response_async.<locals>.sentry_patched_get_response_async",
)
_CREATE = (
    f"{_DJANGO}.asgi",
    "patch_django_asgi_handler_impl.<locals>.sentry_patched_create_request",
)
_ENABLED = ("sentry_sdk.utils", "ensure_integration_enabled.<locals>.patcher.<locals>.runner")
_CLASS = "_wrap_middleware.<locals>.SentryWrappingMiddleware"
_CALL = (f"{_DJANGO}.middleware", f"{_CLASS}.__call__")
_MIXIN = "_asgi_middleware_mixin_factory.<locals>.SentryASGIMixin"
_ACALL = (f"{_DJANGO}.asgi", f"{_MIXIN}.__acall__")
_ASYNC_CHECK = (f"{_DJANGO}.asgi", f"{_MIXIN}.async_route_check")
_SPAN = (f"{_DJANGO}.middleware", "_wrap_middleware.<locals>._check_middleware_span")

# SHA-256 of the bodies: of sentry-sdk 2.0 to 2.75.
_BODIES = {
    _VIEW: {
        "c5f14839a75a59284a675628c3d20c36cdba8f3311da09d90292e06a9d971d56",
        "ff31e59f1bf81902eebbdccdd7f87b13fdd4a491fe68c7657dc9a9f72d9fb4c2",  # from 2.50 on
        "b8c617607cbc1c40f9edb3a0e89ac8d3e4a100ebd6557e48b055e8971da6f20b",  # from 2.70 on
    },
    _GET_RESPONSE: {"ef4837e35599c027c36166ba395cfc736639885f692b557606da37a4b2a211d9"},
    _CREATE: {
        "bb517b05d92dce83e9048d14fc9f527a9f6e846d6fc932a9390d4b387095b730",
        "8e26537e632d6eb1c16647c53020b592873dcb9e0927b3217f4535a04ddf753f",  # from 2.15 on
    },
    _ENABLED: {"895798c7f3555452bc720b0bc8d9262c942e1154a62ffff19bc80f289572fd77"},
    _CALL: {"b11cec282fd4e9e45f882df1753ffd613e8908261955f4b5dab60801794f54a2"},
    _ACALL: {"714ac75b06da195dc1be54ef561c1cdd2f99464b5717ddbc289c73c506c8762a"},
    _ASYNC_CHECK: {
        "017d8b75cc36fa873209ddeae83b9441a71e4a945edfb1f86405921ca1ec355c",
        "ff86aea5b3bec767ea47450f68ac10cefd338aa7a7f3e376c7201393a993e5f5",  # from 2.5 on
    },
    _SPAN: {
        "2780ded6c54ac2cfb08a6ad770e95d2bc6080f726c6f9c8dede4e535a9d591f1",
        "63a6b495eed22d8d140447fe9954a4a00221023ed1227ce5393bebce7a2fbc66",  # 2.10
        "0c96f6d2a0f01c14aabe8f11d1defae10f40c081369128ccf8375b93364e3c94",  # from 2.15 on
        "ba6e0df94d8303a0ddf69d108fa5cfed5e23bb84ffc9edf00fbb860a6d76e36a",  # 2.65
        "06fbbf6d226ddab966fd3800451497b890c0df0fb83c36a832b43d4764c5e5e1",  # from 2.70 on
    },
}

OF_WRAPPERS = (
    *("__call__", "__acall__", "async_route_check", "_inner", "_acall_method", "get_response"),
    *("_is_coroutine", "_is_coroutine_mark", "_is_coroutine_marker"),
)
"""What `inner_of` looks at of a wrapper."""

Tell = Callable[[Any, Any], object]
"""Is called with a handler and the request that was made for it."""


def originals() -> dict[tuple[str, str], object]:
    """Return Django's functions that known wrappers stand for now, by module and name."""
    found: dict[tuple[str, str], object] = {}
    view = vars(BaseHandler)["make_view_atomic"]
    if _is(view, _VIEW):
        found["django.core.handlers.base", "BaseHandler.make_view_atomic"] = _cell(
            view, "old_make_view_atomic"
        )
    get_response = vars(BaseHandler)["get_response_async"]
    if _is(get_response, _GET_RESPONSE):
        found["django.core.handlers.base", "BaseHandler.get_response_async"] = _cell(
            get_response, "old_get_response_async"
        )
    create = _behind_check(vars(ASGIHandler)["create_request"])
    if create is not None:
        found["django.core.handlers.asgi", "ASGIHandler.create_request"] = _cell(
            create, "old_create_request"
        )
    return found


def tells() -> list[Tell]:
    """Return what is to be called in this order for each request that was made without wrappers."""
    found: list[Tell] = []
    checked = vars(ASGIHandler)["create_request"]
    create = _behind_check(checked)
    if create is not None:
        made = _with_cells(create, old_create_request=_made)
        found.append(_with_cells(checked, original_function=_made, sentry_patched_function=made))
    get_response = vars(BaseHandler)["get_response_async"]
    if _is(get_response, _GET_RESPONSE):
        before = _cell(get_response, "_before_get_response")
        found.append(lambda handler, request: before(request))
    return found


def inner_of(middleware: Any) -> Any:
    """Return what a wrapper of middleware awaits and nothing else, as long as `is_quiet`, or None.

    That is so in async mode, when the wrapped one has an `__acall__` or is a function.
    """
    kind = type(middleware)
    call = vars(kind).get("__call__")
    if not _is(call, _CALL) or not _is(_cell(call, "_check_middleware_span"), _SPAN):
        return None
    acall = getattr(kind, "__acall__", None)
    if not _is(acall, _ACALL) or not _is(getattr(kind, "async_route_check", None), _ASYNC_CHECK):
        return None
    inner = vars(middleware).get("_inner")
    awaited = vars(middleware).get("_acall_method")
    is_async = iscoroutinefunction(middleware) and iscoroutinefunction(middleware.get_response)
    if type(inner) is FunctionType:
        is_its_own = awaited is None or awaited is inner
        return inner if is_async and is_its_own and "__acall__" not in vars(inner) else None
    is_its_own = awaited is None or getattr(awaited, "__self__", None) is inner
    is_same = getattr(inner, "get_response", None) is middleware.get_response
    return inner if is_its_own and is_async and is_same and hasattr(inner, "__acall__") else None


def is_quiet() -> bool:
    """Whether wrappers make no spans of middleware, and run no code of the project's."""
    integration = _integration()
    return integration is None or (
        not integration.middleware_spans and integration.transaction_style == "url"
    )


def option_that_prevents() -> str | None:
    """Return the option for which no wrapper is looked behind, as it is written, or None."""
    integration = _integration()
    if integration is None or is_quiet():
        return None
    if integration.middleware_spans:
        return "middleware_spans=True"
    return f"transaction_style={integration.transaction_style!r}"


def _integration() -> Any:
    """Return the SDK's integration for Django, None if it is not in use."""
    module = sys.modules.get(_DJANGO)
    if module is None:
        return None
    get_client = getattr(sys.modules.get("sentry_sdk"), "get_client", None)
    if get_client is None:  # 1.x has none, and no wrapper that is known here
        return None
    return get_client().get_integration(module.DjangoIntegration)


def _made(handler: Any, request: Any) -> tuple[Any, None]:
    """Stand for create_request, which has been called."""
    return request, None


def _behind_check(function: Any) -> Any:
    """Return the function that is called if the integration is enabled, if that is a known one."""
    if not _is(function, _ENABLED):
        return None
    patched = _cell(function, "sentry_patched_function")
    is_known = _is(patched, _CREATE) and (
        _cell(function, "original_function") is _cell(patched, "old_create_request")
    )
    return patched if is_known else None


def _is(function: Any, name: tuple[str, str]) -> bool:
    """Whether this is the SDK's function of that name, with a body that was read."""
    if type(function) is not FunctionType:
        return False
    module = sys.modules.get(name[0])
    if module is None or function.__globals__ is not vars(module):
        return False
    return function.__code__ == _known_code(name)


@functools.cache
def _known_code(name: tuple[str, str]) -> CodeType | None:
    found = nested_function(*name)
    if found is None:
        return None
    code, body = found
    return code if hashlib.sha256(body.encode()).hexdigest() in _BODIES[name] else None


def _cell(function: Any, name: str) -> Any:
    """Return what a function encloses under a name, or None."""
    names = function.__code__.co_freevars
    return function.__closure__[names.index(name)].cell_contents if name in names else None


def _with_cells(function: Any, **others: object) -> Any:
    """Return a function of the same code that encloses other things."""
    cells = zip(function.__code__.co_freevars, function.__closure__, strict=True)
    closure = tuple(CellType(others[name]) if name in others else cell for name, cell in cells)
    return FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        closure,
    )
