"""django-allauth's middleware, whose own code before and after the view may run in any thread.

It is a function of both kinds, which makes an async one where what is behind it is async. That has
the request in a context variable while it is answered, and makes a redirect of "not found" at the
root of its own URLs. Whom it redirects is found out in the event loop here, too.
"""

import contextlib
import sys
from collections.abc import Sequence
from contextvars import ContextVar
from inspect import CO_COROUTINE
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from asgiref.sync import async_to_sync, iscoroutinefunction

from casgi.channels.sharing.facts import Fact, Kind
from casgi.django.middleware_parts import MiddlewareParts
from casgi.origin import (
    Watch,
    WatchedCode,
    change_in,
    fingerprint,
    nested_function,
    places_in,
)

_MIDDLEWARE = "allauth.account.middleware"
_CONTEXT = "allauth.core.context"
_OLDER_CONTEXT = "b88e34a7cc5fa2b9ec70ca97cef6105a5ee14bf25b845ea54e6b654e3b076987"
_NEWER_CONTEXT = "669b9f0c799fb7a119bafe7d6429479eb91155ddad5942cbffac39883508ef60"
# SHA-256 of both files, of all releases from 65.0.0; older ones look into the session besides.
_TEXTS = {
    ("013d79095795cf6d7afec4217d6c1b2f8aa9f609f5212bc2268746c3a54f1b9d", _OLDER_CONTEXT),  # 65.0
    ("b07a722a261b02f68d759c639408958f59b9e03ad84e7fb5911706c7e88d2be5", _OLDER_CONTEXT),  # 65.10
    ("b0419b2b51ad9f5536ebdc5d1303e83ca53bdefa422f914bd94e0a6b1d75b85e", _OLDER_CONTEXT),  # 65.13
    ("f1b22fb75c6ed5d270f1b42873fcd3b72b849ca76a984e18ffff9ed343759c3c", _NEWER_CONTEXT),  # 65.16
    ("867a0e7c58b71662b1ad21f499bb31dcc853d726776db56c87748c834f281703", _NEWER_CONTEXT),  # 65.20
    ("cc190ef555676c08da44755f3811d34020f6f9716364a27d90dd1d0609c0bd33", _NEWER_CONTEXT),  # 65.22
}
_HELPER = contextlib.contextmanager(lambda: iter(())).__code__


class _AccountParts(MiddlewareParts):
    """An AccountMiddleware in async mode."""

    __slots__ = ("_behind", "_module", "_outer", "_variable")

    def __init__(self, instance: Any, module: ModuleType, facts: Sequence[Fact]) -> None:
        super().__init__(instance, facts)
        self._behind: CellType = instance.__closure__[0]
        self._module = module
        self._variable: ContextVar[Any] = module.context._request_var
        # What the variable had before, by request; mostly nothing.
        self._outer: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    @property
    def get_response(self) -> Any:
        """What is behind it."""
        return self._behind.cell_contents

    def process_request(self, request: Any) -> Any:
        """Put the request where the package looks for it."""
        request.allauth = self._module.SimpleNamespace()
        outer = self._variable.get()
        if outer is not None:
            self._outer[request] = outer
        self._variable.set(request)

    def process_response(self, request: Any, response: Any) -> Any:
        """Return the response, or a redirect."""
        try:
            if self._module._should_redirect_accounts(request, response):
                return async_to_sync(self._module._aredirect_accounts)(request)
        finally:
            # By its value: a token is for one trip's context.
            self._variable.set(self._outer.pop(request, None))
        return response


def is_middleware(factory: Any) -> bool:
    """Whether this is the package's function."""
    module = sys.modules.get(_MIDDLEWARE)
    return module is not None and factory is vars(module).get("AccountMiddleware")


def parts_of(middleware: Any) -> MiddlewareParts | None:
    """Return the parts of a middleware, if it is such a one and they may run in any thread."""
    module = sys.modules.get(_MIDDLEWARE)
    if module is None or type(middleware) is not FunctionType:
        return None
    if unsupported_reason() is not None or middleware.__code__ is not _async_code(module):
        return None
    parts = _AccountParts(middleware, module, [*_known.facts(), *_facts_of(module)])
    return parts if iscoroutinefunction(parts.get_response) else None


def unsupported_reason() -> str | None:
    """Return why the middleware runs in the event loop, as ever; None as well if it is not used."""
    return None if sys.modules.get(_MIDDLEWARE) is None else _known.change()


def _async_code(module: ModuleType) -> CodeType:
    constants = module.AccountMiddleware.__code__.co_consts
    return next(one for one in constants if isinstance(one, CodeType) and _is_async(one))


def _is_async(code: CodeType) -> bool:
    return bool(code.co_flags & CO_COROUTINE)


def _facts_of(module: ModuleType) -> list[Fact]:
    within = _within(module.context.request_context)
    return [(Kind.CODE, within, "", within.__code__)] if within is not None else []


def _look() -> Watch | str:
    module, context = sys.modules[_MIDDLEWARE], sys.modules[_CONTEXT]
    if (fingerprint(_MIDDLEWARE), fingerprint(_CONTEXT)) not in _TEXTS:
        return f"{_MIDDLEWARE} is not of a code that was read"
    change = change_in(_MIDDLEWARE, ["SimpleNamespace", "context", "_should_redirect_accounts"])
    if change is not None:
        return change
    for owner, name, live in (
        (module, "AccountMiddleware", module.AccountMiddleware),
        (context, "request_context", _within(context.request_context)),
    ):
        if not _is_own(owner, name, live):
            return f"{owner.__name__}.{name} was replaced"
    return Watch([*places_in(module), *places_in(context)])


def _is_own(module: ModuleType, name: str, live: Any) -> bool:
    """Whether a function is what the module's file defines, whatever it is decorated by."""
    found = nested_function(module.__name__, name)
    return (
        found is not None
        and type(live) is FunctionType
        and live.__code__ == found[0]
        and live.__globals__ is vars(module)
        and not live.__defaults__
    )


def _within(manager: Any) -> Any:
    """Return what contextlib.contextmanager() was called with, None if it was not."""
    if type(manager) is not FunctionType or manager.__code__ is not _HELPER:
        return None
    return (manager.__closure__ or ())[0].cell_contents


_known = WatchedCode(_look)
