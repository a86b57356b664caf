"""What stands behind one middleware, read for each request from what Django has built.

Django wraps every middleware, and its own `_get_response_async`, by its function
convert_exception_to_response(). Only what is exactly that is read; anything else is where the
reading ends, and is awaited as it is.
"""

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, FunctionType, MethodType
from typing import Any

from asgiref.sync import SyncToAsync, iscoroutinefunction
from django.core.handlers import exception
from django.core.handlers.base import BaseHandler
from django.utils.deprecation import MiddlewareMixin

from casgi.django import known_packages, sentry

_LOOK_UP: Any = object.__getattribute__
_CALL: Any = vars(MiddlewareMixin)["__call__"]
_GET_RESPONSE = vars(BaseHandler)["_get_response_async"]
_RUN_IN_A_THREAD = ("make_view_atomic", "check_response", "process_exception_by_middleware")
OF_THE_HANDLER = {name: vars(BaseHandler)[name] for name in _RUN_IN_A_THREAD}
# What a plain middleware may not have as an instance: its class would not say what is called.
_OF_THE_CLASS = frozenset({"__acall__", "process_request", "process_response"})
_IN_ASYNC_MODE = "async_mode"  # Django before 5.1 marks the instance alone.


def _code_of_wrapper() -> CodeType:
    constants = exception.convert_exception_to_response.__code__.co_consts
    return next(one for one in constants if isinstance(one, CodeType) and one.co_flags & 0x80)


_WRAPPER = _code_of_wrapper()


@dataclass(frozen=True, slots=True)
class Chain:
    """Middleware whose parts may be run one after the other, and what is behind the last."""

    middleware: list[Any]
    handler: Any
    """The handler whose view comes next, or None: then `get_response` of the last is awaited."""
    sync_front: Callable[[Any], Any] | None = None
    """Sync middleware and all behind it, for the thread: there is nothing else, then."""
    ends_as_django: bool = False
    """The handler of all of it watches the client, and sends, by Django's own methods."""


def read_whole_chain(handler: Any, acall: Callable[..., Any]) -> Chain | None:
    """Return the chain of a handler from its very beginning; None if that is nothing known."""
    top = handler._middleware_chain
    if is_adapted(top):
        return Chain([], None, top.func)
    chain = read_wrapped_chain(top, acall)
    is_of_another = chain is not None and not chain.middleware and chain.handler is not handler
    return None if is_of_another else chain


def read_wrapped_chain(wrapper: Any, acall: Callable[..., Any]) -> Chain | None:
    """Return the chain that begins within convert_exception_to_response(); None as above."""
    first = _unwrapped(wrapper)
    known = _known_middleware(first, acall)
    if known is not None:
        return read_chain(known, acall)
    handler = _handler_of(first)
    return None if handler is None else Chain([], handler)


def read_chain(first: Any, acall: Callable[..., Any]) -> Chain:
    """Return the chain that begins with a middleware; `acall` is what stands for its __acall__."""
    middleware = [first]
    while True:
        wrapped = _unwrapped(middleware[-1].get_response)
        known = _known_middleware(wrapped, acall)
        if known is None:
            return Chain(middleware, _handler_of(wrapped))
        middleware.append(known)


def _known_middleware(middleware: Any, acall: Callable[..., Any]) -> Any:
    """Return what has the parts of a middleware, itself mostly, if it may be run by them."""
    if isinstance(middleware, MiddlewareMixin):
        return middleware if _is_plain(middleware, acall) else None
    return known_packages.parts_of(middleware)


def has_sync_parts(middleware: Any) -> bool:
    """Whether process_request and process_response, if there, are what sync_to_async() takes."""
    kind: Any = type(middleware)
    if kind.__getattribute__ is not _LOOK_UP or _OF_THE_CLASS & vars(middleware).keys():
        return False
    parts = (getattr(kind, "process_request", None), getattr(kind, "process_response", None))
    known = _sync_parts.get(kind)
    if known is None or known[0] is not parts[0] or known[1] is not parts[1]:
        if any(map(_is_async, parts)):
            return False
        _sync_parts[kind] = parts
    return True


_sync_parts: weakref.WeakKeyDictionary[type, tuple[Any, Any]] = weakref.WeakKeyDictionary()


def _is_async(function: Any) -> bool:
    return function is not None and bool(
        iscoroutinefunction(function)
        or iscoroutinefunction(getattr(function, "__call__", function))  # noqa: B004
    )


def _is_plain(middleware: Any, acall: Callable[..., Any]) -> bool:
    """Whether awaiting it is what MiddlewareMixin does, and nothing else."""
    kind: Any = type(middleware)
    if kind.__call__ is not _CALL or kind.__acall__ is not acall or not has_sync_parts(middleware):
        return False
    is_async = vars(middleware).get(_IN_ASYNC_MODE)
    return bool(iscoroutinefunction(middleware) if is_async is None else is_async)


def _unwrapped(get_response: Any) -> Any:
    """Return what convert_exception_to_response() was called with, or None."""
    if type(get_response) is not FunctionType or get_response.__code__ is not _WRAPPER:
        return None
    cells = get_response.__closure__ or ()
    wrapped = cells[0].cell_contents if len(cells) == 1 else None
    inner = sentry.inner_of(wrapped) if sentry.is_quiet() else None
    return wrapped if inner is None else inner


def _handler_of(get_response: Any) -> Any:
    """Return the handler whose own `_get_response_async` this is, if it may be run in parts."""
    if type(get_response) is not MethodType or get_response.__func__ is not _GET_RESPONSE:
        return None
    handler: Any = get_response.__self__
    kind = type(handler)
    if any(getattr(kind, name) is not own for name, own in OF_THE_HANDLER.items()):
        return None
    if vars(handler).keys() & OF_THE_HANDLER.keys():
        return None
    adapted = [*handler._view_middleware, *handler._template_response_middleware]
    return handler if all(map(is_adapted, adapted)) else None


def is_adapted(method: Any) -> bool:
    """Whether it is something sync as adapt_method_mode() adapts it for async code."""
    return (
        type(method) is SyncToAsync
        and method._thread_sensitive
        and method._executor is None
        and getattr(method, "context", None) is None
    )
