"""The comparison of random sites finds each of these ways of breaking ours."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import dataclasses
import gc
import io
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any

import django
import pytest
from asgiref.sync import iscoroutinefunction, sync_to_async
from differential.journal import local, variable
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers import exception
from test_differential import difference

from casgi.django import chain, hop, leased_thread, passage, request, steps, sync_front
from casgi.django.passage import Passage
from casgi.django.request import Request
from casgi.django.request_kinds import RequestInTasks
from casgi.django.sync_front import SyncFront
from casgi.django.thread_pool import PoolThread

# What is broken leaves coroutines that nobody awaits.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
    pytest.mark.timeout(240),
]
ENOUGH = 400
"""So many random sites have each of the situations."""

Patch = pytest.MonkeyPatch


def skip_response_of_who_answers(patch: Patch) -> None:
    process_requests = Passage._process_requests

    def broken(self: Any) -> None:
        process_requests(self)
        if not self._is_inside and self.depth:
            self.depth -= 1

    patch.setattr(Passage, "_process_requests", broken)


def responses_in_the_order_of_requests(patch: Patch) -> None:
    def broken(self: Any) -> None:
        for middleware in self._chain.middleware[: self.depth]:
            if hasattr(middleware, "process_response"):
                self.response = middleware.process_response(self.request, self.response)
        self.depth = 0

    patch.setattr(Passage, "_process_responses", broken)


def convert_an_error_one_layer_further_out(patch: Patch) -> None:
    convert = Passage._convert_error

    async def broken(self: Any) -> None:
        await convert(self)
        self.depth = max(self.depth - 1, 0)

    patch.setattr(Passage, "_convert_error", broken)


def convert_an_error_in_the_thread_of_the_request(patch: Patch) -> None:
    def broken(function: Any, thread_sensitive: bool) -> Any:
        return sync_to_async(function, thread_sensitive=True)

    patch.setattr(exception, "sync_to_async", broken)
    # Django's own wrapper reads the same name: only ours is to be broken.
    patch.setattr(passage, "exception", _Namespace(exception, sync_to_async=broken))
    patch.setattr(exception, "sync_to_async", sync_to_async)


class _Namespace:
    def __init__(self, module: Any, **others: Any) -> None:
        self.__dict__.update(vars(module) if module is not None else {}, **others)


def go_on_when_the_client_has_left(patch: Patch) -> None:
    hop = Passage._hop

    async def broken(self: Any, function: Any) -> None:
        try:
            await hop(self, function)
        finally:
            self.is_left = False

    patch.setattr(Passage, "_hop", broken)


def construct_middleware_anew(patch: Patch) -> None:
    process_requests = Passage._process_requests

    def broken(self: Any) -> None:
        anew = [type(one)(one.get_response) for one in self._chain.middleware]
        self._chain = dataclasses.replace(self._chain, middleware=anew)
        process_requests(self)

    patch.setattr(Passage, "_process_requests", broken)


def run_the_sync_code_of_async_classes(patch: Patch) -> None:
    """As a second chain would, whose middleware is built for the thread."""
    known = chain._known_middleware

    def broken(middleware: Any, acall: Any) -> Any:
        if hasattr(middleware, "is_async"):
            return _SyncParts(middleware)
        return known(middleware, acall)

    patch.setattr(chain, "_known_middleware", broken)


class _SyncParts:
    def __init__(self, middleware: Any) -> None:
        self.get_response = middleware.get_response
        self._call = type(middleware)(lambda request: None)

    def process_request(self, request: Any) -> Any:
        return self._call(request)


def content_of_streams_as_the_view_gave_it(patch: Patch) -> None:
    process_responses = Passage._process_responses

    def broken(self: Any) -> None:
        given = self.response
        content = getattr(given, "_iterator", None)
        process_responses(self)
        if content is not None and self.response is given:
            given._iterator = content

    patch.setattr(Passage, "_process_responses", broken)


def lose_what_was_posted(patch: Patch) -> None:
    begin = Request._begin

    def broken(self: Any) -> Any:
        self._body = io.BytesIO()
        return begin(self)

    patch.setattr(Request, "_begin", broken)


def answer_who_leaves_while_posting(patch: Patch) -> None:
    async def broken(self: Any, receive: Any, send: Any) -> None:
        try:
            self._body = await self._handler.read_body(receive)
        except RequestAborted:
            self._body = io.BytesIO()
        await self._answer_read(receive, send)

    patch.setattr(Request, "answer", broken)


def forget_the_exception_middleware(patch: Patch) -> None:
    def broken(self: Any, error: Exception) -> None:
        raise error

    patch.setattr(Passage, "_process_exception_here", broken)


def forget_it_for_async_views(patch: Patch) -> None:
    async def broken(self: Any, error: Exception) -> None:
        raise error

    patch.setattr(Passage, "_process_exception", broken)


def do_not_render(patch: Patch) -> None:
    patch.setattr(Passage, "_is_template_response", lambda self: False)


def forget_template_response_middleware(patch: Patch) -> None:
    def broken(self: Any) -> None:
        self.response = self.response.render()

    patch.setattr(Passage, "_render", broken)


def async_views_without_process_view(patch: Patch) -> None:
    process_views = Passage._process_views

    def broken(self: Any) -> None:
        if not iscoroutinefunction(self._match[0]):
            process_views(self)

    patch.setattr(Passage, "_process_views", broken)


def async_view_in_the_thread(patch: Patch) -> None:
    patch.setattr(passage, "base", _Namespace(passage.base, iscoroutinefunction=lambda _: False))


def lose_context_variables(patch: Patch) -> None:
    hop = Passage._hop

    async def broken(self: Any, function: Callable[[], None]) -> None:
        context = contextvars.copy_context()
        await hop(self, lambda: context.run(function))

    patch.setattr(Passage, "_hop", broken)


def take_any_mixin_for_plain(patch: Patch) -> None:
    patch.setattr(chain, "_is_plain", lambda middleware, acall: True)


def keep_thread_locals(patch: Patch) -> None:
    run_lease = PoolThread._run_lease
    kept: dict[str, Any] = {}

    def broken(self: Any, work: Any) -> None:
        vars(local).update(kept)
        run_lease(self, work)
        kept.update(vars(local))

    patch.setattr(PoolThread, "_run_lease", broken)


def keep_attributes_of_the_thread(patch: Patch) -> None:
    kept: dict[str, Any] = {}
    run_here = leased_thread.LeasedThread.run_here

    def broken(self: Any) -> None:
        vars(self).update(kept)
        run_here(self)
        kept.update({name: value for name, value in vars(self).items() if name == "value"})

    patch.setattr(leased_thread.LeasedThread, "run_here", broken)


def start_in_the_context_of_the_request(patch: Patch) -> None:
    context = _Namespace(contextvars, copy_context=lambda: _Namespace(None, run=lambda f: f()))
    patch.setattr(request, "contextvars", context)


def make_the_request_before_it_starts(patch: Patch) -> None:
    begin = Request._begin

    def broken(self: Any) -> Any:
        made = self._handler.request_class(self._scope, self._body)
        begin(self)
        return made

    patch.setattr(Request, "_begin", broken)


def start_a_request_that_cannot_be_made(patch: Patch) -> None:
    async def broken(self: Any, send: Any) -> None:
        if self._error is not None:
            raise self._error
        self._body.close()

    patch.setattr(Request, "_refuse", broken)


def answer_who_cannot_start(patch: Patch) -> None:
    def broken(self: Any) -> None:
        with contextlib.suppress(ValueError):
            send_started(self)

    send_started = Request._send_started
    patch.setattr(Request, "_send_started", broken)


def async_receivers_in_the_thread(patch: Patch) -> None:
    async def broken(self: Any) -> None:
        self._receivers = [r for rs in signals.request_started._live_receivers(None) for r in rs]

    patch.setattr(Request, "_start", broken)


def resolve_any_url_in_the_thread(patch: Patch) -> None:
    patch.setattr(steps, "resolves_anywhere", lambda request: True)


def close_in_the_context_of_the_view(patch: Patch) -> None:
    respond = RequestInTasks._respond

    async def broken(self: Any, send: Any, go: Any) -> Any:
        response = await respond(self, send, go)
        await request.close_response(response)
        return response

    async def leave_it(self: Any, response: Any) -> None:
        pass

    patch.setattr(RequestInTasks, "_respond", broken)
    patch.setattr(RequestInTasks, "_close", leave_it)


def do_not_finish_who_has_left(patch: Patch) -> None:
    async def broken(self: Any) -> None:
        pass

    patch.setattr(Request, "_end_unanswered", broken)


def do_not_log_bad_responses(patch: Patch) -> None:
    patch.setattr(request, "HTTPStatus", _Namespace(None, BAD_REQUEST=1000))


def go_on_behind_sync_middleware_when_the_client_has_left(patch: Patch) -> None:
    pass_behind = sync_front.SyncFront.pass_behind

    def broken(self: Any, chain: Any, request: Any) -> Any:
        front = SyncFront(lambda request: None, lambda: None, lambda *made: None)
        return pass_behind(front, chain, request)

    patch.setattr(sync_front.SyncFront, "pass_behind", broken)


def sync_middleware_hears_of_a_client_that_has_left(patch: Patch) -> None:
    go = sync_front.SyncFront.go

    async def broken(self: Any) -> Any:
        self._behind = Passage(chain.Chain([], None), None)
        return await go(self)

    patch.setattr(sync_front.SyncFront, "go", broken)
    pass_behind = sync_front.SyncFront.pass_behind

    def leaving(self: Any, behind: Any, request: Any) -> Any:
        if self._behind is not None and self._behind.is_left:
            raise asyncio.CancelledError
        return pass_behind(self, behind, request)

    patch.setattr(sync_front.SyncFront, "pass_behind", leaving)


def raise_to_sync_middleware(patch: Patch) -> None:
    async def broken(self: Any, step: Any) -> Any:
        if self.error is not None and self.depth == 0:
            raise self.error
        return await self._go(step)

    patch.setattr(Passage, "_go_converting", broken)


def skip_responses_behind_sync_middleware(patch: Patch) -> None:
    def broken(self: Any) -> Any:
        self._go_in_here()
        return self.response

    patch.setattr(Passage, "go_here", broken)


def do_not_bring_variables_back(patch: Patch) -> None:
    patch.setattr(hop, "_restore_context", lambda context: None)


def keep_the_context_of_the_thread(patch: Patch) -> None:
    def broken(self: Any) -> None:
        variable.set("theirs")
        function(self)

    function = Passage._view_and_out
    patch.setattr(Passage, "_view_and_out", broken)


def read_the_first_header_of_cookies(patch: Patch) -> None:
    make = request.ASGIRequest

    def broken(scope: Any, body: Any) -> Any:
        cookies = [header for header in scope["headers"] if header[0] == b"cookie"]
        others = [header for header in scope["headers"] if header[0] != b"cookie"]
        return make({**scope, "headers": [*others, *cookies[:1]]}, body)

    patch.setattr(request, "ASGIRequest", broken)


def keep_the_session_of_the_last_request(patch: Patch) -> None:
    kept: list[Any] = []

    def broken(self: Any) -> Any:
        made = begin(self)
        if kept:
            made.COOKIES.update(kept.pop())
        kept.append({name: made.COOKIES[name] for name in made.COOKIES if name == "sessionid"})
        return made

    begin = Request._begin
    patch.setattr(Request, "_begin", broken)


def lose_cookies_that_middleware_sets(patch: Patch) -> None:
    process_responses = Passage._process_responses

    def broken(self: Any) -> None:
        cookies = getattr(self.response, "cookies", None)
        before = None if cookies is None else SimpleCookie(cookies.output([], "", ";"))
        process_responses(self)
        if before is not None and hasattr(self.response, "cookies"):
            for name in set(self.response.cookies) - set(before):
                del self.response.cookies[name]

    patch.setattr(Passage, "_process_responses", broken)


BREAKAGES = [
    skip_response_of_who_answers,
    responses_in_the_order_of_requests,
    convert_an_error_one_layer_further_out,
    convert_an_error_in_the_thread_of_the_request,
    go_on_when_the_client_has_left,
    construct_middleware_anew,
    run_the_sync_code_of_async_classes,
    content_of_streams_as_the_view_gave_it,
    lose_what_was_posted,
    answer_who_leaves_while_posting,
    forget_the_exception_middleware,
    forget_it_for_async_views,
    do_not_render,
    forget_template_response_middleware,
    async_views_without_process_view,
    async_view_in_the_thread,
    lose_context_variables,
    take_any_mixin_for_plain,
    keep_thread_locals,
    keep_attributes_of_the_thread,
    start_in_the_context_of_the_request,
    make_the_request_before_it_starts,
    start_a_request_that_cannot_be_made,
    answer_who_cannot_start,
    async_receivers_in_the_thread,
    resolve_any_url_in_the_thread,
    close_in_the_context_of_the_view,
    do_not_finish_who_has_left,
    do_not_log_bad_responses,
    go_on_behind_sync_middleware_when_the_client_has_left,
    sync_middleware_hears_of_a_client_that_has_left,
    raise_to_sync_middleware,
    skip_responses_behind_sync_middleware,
    do_not_bring_variables_back,
    keep_the_context_of_the_thread,
    read_the_first_header_of_cookies,
    keep_the_session_of_the_last_request,
    lose_cookies_that_middleware_sets,
]


WITHOUT_RESULT = {make_the_request_before_it_starts, skip_responses_behind_sync_middleware}
"""Those that have no request or no response, of which the rest asks something."""

OF_TASKS = {start_in_the_context_of_the_request, close_in_the_context_of_the_view}
"""What Django 5.0 to 6.0 keep apart, and others do not."""

SINCE_5_0 = {
    async_receivers_in_the_thread,
    do_not_finish_who_has_left,
    go_on_behind_sync_middleware_when_the_client_has_left,
    go_on_when_the_client_has_left,
    sync_middleware_hears_of_a_client_that_has_left,
}
"""Of async receivers, and of clients that leave, which before nobody watched."""

if django.VERSION < (5, 0):
    BREAKAGES = [broken for broken in BREAKAGES if broken not in SINCE_5_0]
if not (5, 0) <= django.VERSION < (6, 1):
    BREAKAGES = [broken for broken in BREAKAGES if broken not in OF_TASKS]


@pytest.mark.parametrize("broken", BREAKAGES, ids=lambda one: one.__name__)
def test_found(monkeypatch: pytest.MonkeyPatch, broken: Callable[[Patch], None]) -> None:
    broken(monkeypatch)
    found = next(filter(None, map(difference, range(ENOUGH))), None)
    gc.collect()
    assert found is not None
    # It does something else, instead of nothing at all.
    assert broken in WITHOUT_RESULT or "AttributeError" not in found
    assert "TypeError" not in found
