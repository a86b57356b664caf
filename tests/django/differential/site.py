"""The middleware and views of a program, as Django imports them: `differential.site.m0`."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import io
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import django
from asgiref.sync import async_to_sync, iscoroutinefunction, markcoroutinefunction, sync_to_async
from differential import cookies
from differential.cookies import Cookies
from differential.journal import Journal
from differential.program import Middleware, Program
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.core.signals import request_started
from django.http import FileResponse, Http404, HttpResponse, StreamingHttpResponse
from django.template.response import SimpleTemplateResponse
from django.urls import path, register_converter
from django.utils.decorators import (
    async_only_middleware,
    sync_and_async_middleware,
    sync_only_middleware,
)
from django.utils.deprecation import MiddlewareMixin
from django.views import View

current: contextvars.ContextVar[Journal] = contextvars.ContextVar("current")


class _Template(SimpleTemplateResponse):
    def __init__(self, error: Exception | None = None) -> None:
        super().__init__("no template")
        self._error = error

    @property
    def rendered_content(self) -> str:
        journal = current.get()
        journal.note("render")
        if self._error is not None:
            raise self._error
        return f"rendered {journal.found()}"


class _AsyncTemplate(_Template):
    async def render(self) -> Any:  # type: ignore[override]
        await current.get().note_in_loop("async render")
        self.content = b"rendered in the loop"
        return self


def _act(spec: Middleware, method: str, request: Any, value: Any) -> Any:
    """Do what a method of a middleware does; return its result."""
    journal = current.get()
    journal.note(f"{spec.name} {method}")
    match spec.does[method]:
        case "leave":
            journal.leave_behind()
        case "raise":
            raise ValueError(f"{spec.name} {method}")
        case "http404":
            raise Http404(f"{spec.name} {method}")
        case "return":
            response = HttpResponse(f"{spec.name} {method} {journal.found()}")
            response["X-From"] = spec.name
            return response
        case "urlconf":
            request.urlconf = "differential.other_urls"
        case "count":
            counts[spec.name] = counts.get(spec.name, 0) + 1
            journal.note(f"{spec.name} has counted {counts[spec.name]}")
        case "wrap" if getattr(value, "streaming", False):
            value.streaming_content = _wrapped(spec.name, value)
    if method in ("response", "template_response") and spec.name in acts:
        cookies.act(acts[spec.name], request, value)
    return value


def _wrapped(name: str, response: Any) -> Any:
    """Return the content of a streaming response, with a line for each part."""
    parts = response.streaming_content
    if getattr(response, "is_async", False):

        async def wrapped_async() -> AsyncIterator[bytes]:
            async for part in parts:
                current.get().note(f"{name} wraps")
                yield part.upper()

        return wrapped_async()

    def wrapped() -> Iterator[bytes]:
        for part in parts:
            current.get().note(f"{name} wraps")
            yield part.upper()

    return wrapped()


def _class(spec: Middleware) -> Any:
    """Return a middleware class with MiddlewareMixin."""
    members: dict[str, Any] = {"__init__": _constructor(spec)}
    for method in spec.does:
        members[f"process_{method}"] = _method(spec, method)
    if spec.kind == "own_acall":

        async def __acall__(self: Any, request: Any) -> Any:  # noqa: N807
            await current.get().note_in_loop(f"{spec.name} before")
            response = await super(kind, self).__acall__(request)
            await current.get().note_in_loop(f"{spec.name} after")
            return response

        members["__acall__"] = __acall__
    if spec.kind == "own_call":

        def __call__(self: Any, request: Any) -> Any:  # noqa: N807
            current.get().note(f"{spec.name} call")
            return super(kind, self).__call__(request)

        members["__call__"] = __call__
    kind: Any = type(spec.name, (MiddlewareMixin,), members)
    return kind


def _constructor(spec: Middleware) -> Any:
    """Return what counts how often a middleware is made, and gives each of them a state."""

    def __init__(self: Any, get_response: Any) -> None:  # noqa: N807
        MiddlewareMixin.__init__(self, get_response)
        made[spec.name] = made.get(spec.name, 0) + 1
        self.requests = 0

    return __init__


def _method(spec: Middleware, method: str) -> Any:
    def process(self: Any, request: Any, *rest: Any) -> Any:
        self.requests += 1
        current.get().note(f"{spec.name} of {made[spec.name]}, call {self.requests}")
        is_passed_on = method in ("response", "template_response")
        return _act(spec, method, request, rest[0] if is_passed_on else None)

    return process


def _function(spec: Middleware) -> Any:
    """Return a middleware function, or a class without MiddlewareMixin."""

    def sync_call(get_response: Any, request: Any) -> Any:
        response = _act(spec, "request", request, None) if "request" in spec.does else None
        response = response or get_response(request)
        if "response" in spec.does:
            response = _act(spec, "response", request, response)
        return response

    async def async_call(get_response: Any, request: Any) -> Any:
        await current.get().note_in_loop(f"{spec.name} async")
        response = _act(spec, "request", request, None) if "request" in spec.does else None
        response = response or await get_response(request)
        if "response" in spec.does:
            response = _act(spec, "response", request, response)
        return response

    def factory(get_response: Any) -> Any:
        if asyncio.iscoroutinefunction(get_response):

            async def middleware(request: Any) -> Any:
                return await async_call(get_response, request)

            return middleware
        return lambda request: sync_call(get_response, request)

    if spec.kind == "sync_class":

        def __init__(self: Any, get_response: Any) -> None:  # noqa: N807
            self.get_response = get_response

        def __call__(self: Any, request: Any) -> Any:  # noqa: N807
            return sync_call(self.get_response, request)

        return type(spec.name, (), {"__init__": __init__, "__call__": __call__})
    if spec.kind in ("async_class", "both_class"):
        return _class_with_async_code(spec, sync_call, async_call)
    decorators = {
        "sync_function": sync_only_middleware,
        "async_function": async_only_middleware,
        "both_function": sync_and_async_middleware,
    }
    return decorators[spec.kind](factory)


def _class_with_async_code(spec: Middleware, sync_call: Any, async_call: Any) -> Any:
    """Return a class as packages have it that need no MiddlewareMixin."""

    class Own:
        sync_capable = spec.kind == "both_class"
        async_capable = True

        def __init__(self, get_response: Any) -> None:
            self.get_response = get_response
            self.is_async = iscoroutinefunction(get_response)
            if self.is_async:
                markcoroutinefunction(self)

        def __call__(self, request: Any) -> Any:
            if self.is_async:
                return self.__acall__(request)
            return sync_call(self.get_response, request)

        async def __acall__(self, request: Any) -> Any:
            return await async_call(self.get_response, request)

    return Own


def _answer(note: str = "view", body: bytes = b"") -> HttpResponse:
    journal = current.get()
    journal.note(note)
    if body:
        journal.note(f"{len(body)} bytes were posted")
    found = journal.found()
    journal.leave_behind()
    return HttpResponse(f"hello {found} {journal.found()}")


def _raise(error: Exception) -> Any:
    _answer()
    raise error


async def _async_answer(request: Any) -> HttpResponse:
    await current.get().note_in_loop("view")
    return _answer("view goes on", request.body)


async def _async_raises(request: Any) -> HttpResponse:
    await current.get().note_in_loop("view")
    raise ValueError("view")


async def _to_async(request: Any) -> HttpResponse:
    return await sync_to_async(_answer)()


async def _inner() -> HttpResponse:
    await current.get().note_in_loop("within")
    return await sync_to_async(_answer)()


async def _async_with_closer(request: Any) -> HttpResponse:
    response = _answer()
    response._resource_closers.append(functools.partial(current.get().note, "closer"))
    return response


def _parts() -> Iterator[bytes]:
    for number in range(3):
        current.get().note(f"part {number}")
        yield b"part"


async def _async_parts() -> AsyncIterator[bytes]:
    for number in range(3):
        current.get().note(f"part {number}")
        yield b"part"


def _unawaited() -> Any:
    """Return a coroutine, as a view that was meant to be async; the player ends it."""
    unawaited.append(_inner())
    return unawaited[-1]


class _View(View):
    def get(self, request: Any) -> HttpResponse:
        return _answer()

    def post(self, request: Any) -> HttpResponse:
        return _answer(body=request.body)


VIEWS: dict[str, Any] = {
    "sync": lambda request: _answer(body=request.body),
    "async": _async_answer,
    "class": _View.as_view(),
    "template": lambda request: _Template(),
    "template_async": lambda request: _AsyncTemplate(),
    "bad_template": lambda request: _Template(ValueError("render")),
    "raises": lambda request: _raise(ValueError("view")),
    "async_raises": _async_raises,
    "denied": lambda request: _raise(PermissionDenied("view")),
    "missing": lambda request: _raise(Http404("view")),
    "suspicious": lambda request: _raise(SuspiciousOperation("view")),
    "nothing": lambda request: None,
    "coroutine": lambda request: _unawaited(),
    "to_sync": lambda request: async_to_sync(_inner)(),
    "to_async": _to_async,
    "async_closer": _async_with_closer,
    "streams": lambda request: StreamingHttpResponse(_parts()),
    "async_streams": lambda request: StreamingHttpResponse(_async_parts()),
    "file": lambda request: FileResponse(io.BytesIO(b"file" * 1000)),
}


class _Number:
    """A converter of the project's own, which looks at where it runs."""

    regex = "[0-9]+"

    def to_python(self, value: str) -> int:
        current.get().note("to_python")
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(_Number, "own")


@contextlib.contextmanager
def receiving(program: Program) -> Iterator[None]:
    """Have a program's receivers of request_started."""
    receivers = [_receiver(number, does) for number, does in enumerate(program.receivers)]
    for receiver in receivers:
        request_started.connect(receiver)
    try:
        yield
    finally:
        for receiver in receivers:
            request_started.disconnect(receiver)


def _receiver(number: int, does: str) -> Any:
    def receive(sender: Any, scope: dict[str, Any], **named: Any) -> None:
        journal = current.get()
        journal.note(f"receiver {number} {journal.found()}")
        if does == "raise":
            raise ValueError(f"receiver {number}")
        if does == "leave":
            journal.leave_behind()
            scope["headers"] = [*scope["headers"], (b"x-receiver", b"%d" % number)]

    async def receive_async(sender: Any, **named: Any) -> None:
        await current.get().note_in_loop(f"receiver {number}")

    is_async = does == "async" and django.VERSION >= (5, 0)  # before, it would not be awaited
    return receive_async if is_async else receive


def _with_number(view: Any) -> Any:
    if iscoroutinefunction(view):

        async def with_number_async(request: Any, number: int) -> Any:
            return await view(request)

        return with_number_async
    return lambda request, number: view(request)


def _with_cookies(view: Any, planted: Cookies | None) -> Any:
    if planted is None:
        return view

    def begin(request: Any) -> None:
        current.get().note(cookies.told(request))

    def end(request: Any, response: Any) -> Any:
        for name in planted.view:
            cookies.act(name, request, response)
        return response

    if iscoroutinefunction(view):

        async def with_cookies_async(request: Any) -> Any:
            begin(request)
            return end(request, await view(request))

        return with_cookies_async

    def with_cookies(request: Any) -> Any:
        begin(request)
        return end(request, view(request))

    return with_cookies


def build(program: Program) -> list[str]:
    """Put a program's parts under the names by which settings find them; return MIDDLEWARE."""
    module = sys.modules[__name__]
    made.clear()
    counts.clear()
    acts.clear()
    acts.update(program.cookies.middleware if program.cookies is not None else {})
    for spec in program.middleware:
        is_class = spec.kind in ("mixin", "own_acall", "own_call")
        setattr(module, spec.name, _class(spec) if is_class else _function(spec))
    global urlpatterns
    view = _with_cookies(VIEWS[program.view], program.cookies)
    urlpatterns = [path("", view)]
    if program.converter:
        urlpatterns.append(path(f"<{program.converter}:number>/", _with_number(view)))
    others = [f"{__name__}.{spec.name}" for spec in program.middleware]
    return others if program.cookies is None else program.cookies.stack(others)


urlpatterns: list[Any] = []
made: dict[str, int] = {}
"""How often each middleware was constructed."""
counts: dict[str, int] = {}
acts: dict[str, str] = {}
"""What a middleware does to the cookies of responses."""
unawaited: list[Any] = []
