"""Chains that were read once, each for as long as all that reading it has looked at is the same.

Reading a chain asks some hundred questions: of what class each middleware is, what functions that
has, what is on the instance. The answers become facts, which one call of C compares for each
request (`casgi._core.Facts`). If one has changed, the chain is read anew.
"""

from collections.abc import Callable, Iterable, Iterator
from types import FunctionType
from typing import Any, TypeAlias

from django.core.handlers.base import BaseHandler

from casgi import _core
from casgi.channels.sharing.facts import ABSENT, Fact, Kind, mro_of, namespace_of
from casgi.django import sentry
from casgi.django.chain import OF_THE_HANDLER, Chain
from casgi.django.middleware_parts import MiddlewareParts

_OF_MIDDLEWARE = (
    *("__call__", "__acall__", "__getattribute__", "__getattr__"),
    *("process_request", "process_response", "get_response", "async_mode"),
    *("_is_coroutine", "_is_coroutine_mark", "_is_coroutine_marker"),
)
_OF_ADAPTED = ("func", "_thread_sensitive", "_executor", "context")
_LISTS = ("_view_middleware", "_template_response_middleware")

_MOST = 64
"""So many are kept: a process has one handler, or as many as its tests make."""

_Known: TypeAlias = tuple[Chain, Callable[[], bool], list[Any], list[Any]]


class KnownChains:
    """What `read` has returned, by what it was given: a middleware, its wrapper, or a handler."""

    def __init__(self, read: Callable[[Any], Chain | None], of_handler: Iterable[str] = ()) -> None:
        """Take the function that reads, and what it looks up of a handler that it is given."""
        self._read = read
        self._of_handler = (*of_handler, *OF_THE_HANDLER, "_middleware_chain", *_LISTS)
        self._known: dict[int, _Known] = {}  # The facts hold what the numbers stand for.
        self._is_quiet = True

    def of(self, first: Any) -> Chain | None:
        """Return the chain as it is now; None: there is none that is known."""
        if sentry.is_quiet() is not self._is_quiet:
            self._is_quiet = not self._is_quiet
            self._known.clear()
        known = self._known.get(id(first))
        if known is not None:
            chain, hold, lists, copies = known
            if hold() and lists == copies:
                return chain
        read = self._read(first)
        if read is None:
            self._known.pop(id(first), None)
        else:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[id(first)] = self._with_facts(first, read)
        return read

    def _with_facts(self, first: Any, chain: Chain) -> _Known:
        handlers = [chain.handler] if chain.handler is not None else []
        if isinstance(first, BaseHandler) and first is not chain.handler:
            handlers.append(first)
        lists: list[Any] = [vars(one)[name] for one in handlers for name in _LISTS]
        facts = list(_of_wrapper(first))
        facts += [fact for one in chain.middleware for fact in _of_middleware(one)]
        facts += [fact for one in handlers for fact in _of_instance(one, self._of_handler)]
        for one in handlers:
            facts += _of_wrapper(one._middleware_chain)
            facts += _of_adapted(one._middleware_chain)
        facts += [fact for methods in lists for one in methods for fact in _of_adapted(one)]
        copies: list[Any] = list(map(list, lists))
        for one in chain.middleware:
            for there, copy in one.copies if isinstance(one, MiddlewareParts) else ():
                lists.append(there)
                copies.append(copy)
        return chain, _core.Facts(tuple(facts)).hold, lists, copies


def _of_middleware(middleware: Any) -> Iterator[Fact]:
    if isinstance(middleware, MiddlewareParts):
        yield from middleware.facts
        if type(middleware.instance) is FunctionType:
            yield from _of_wrapper(middleware.instance)
        else:
            yield from _of_instance(middleware.instance, middleware.names)
    else:
        yield from _of_instance(middleware, _OF_MIDDLEWARE)
    yield from _of_wrapper(middleware.get_response)


def _of_wrapper(function: Any) -> Iterator[Fact]:
    """Yield what a function is, and what it encloses."""
    if type(function) is FunctionType:
        yield Kind.CODE, function, "", function.__code__
        for cell in function.__closure__ or ():
            yield Kind.CELL, cell, "", cell.cell_contents
            if sentry.inner_of(cell.cell_contents) is not None:
                yield from _of_instance(cell.cell_contents, sentry.OF_WRAPPERS)


def _of_adapted(method: Any) -> Iterator[Fact]:
    yield Kind.TYPE, method, "", type(method)
    if hasattr(method, "__dict__"):
        yield from _of_names(vars(method), _OF_ADAPTED)


def _of_instance(instance: Any, names: Iterable[str]) -> Iterator[Fact]:
    kind = type(instance)
    yield Kind.TYPE, instance, "", kind
    yield Kind.MRO, kind, "", mro_of(kind)
    yield Kind.ATTRIBUTES, instance, "", vars(instance)
    yield from _of_names(vars(instance), names)
    for owner in mro_of(kind):
        yield from _of_names(owner, names)


def _of_names(holder: Any, names: Iterable[str]) -> Iterator[Fact]:
    namespace = namespace_of(holder) if isinstance(holder, type) else holder
    for name in names:
        value = namespace.get(name, ABSENT)
        if value is ABSENT:
            yield Kind.ABSENT, holder, name, None
        else:
            yield Kind.NAME, holder, name, value
