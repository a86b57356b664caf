"""What of a request's way through the middleware runs in the request's thread.

Each part goes on as far as the next one is for the thread too, and stops where the client has left.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from django.core.handlers import base

from casgi.django.chain import Chain
from casgi.django.url_trees import resolves_anywhere

_ABSENT: Any = object()


class Steps:
    """A request within a chain, with what is called in the thread.

    Attributes:
        request: None until it was made.
        error: what was raised and has not become a response yet.
        depth: how many middleware the response has yet to pass. While something runs that may
            raise: those that its error's response will have to pass.
        is_left: the task was cancelled, since the client has left for example: what has begun in
            the thread goes on to its end, and nothing is called after it.

    """

    __slots__ = (
        "_awaits_render",
        "_begin",
        "_chain",
        "_end",
        "_is_inside",
        "_match",
        "depth",
        "error",
        "is_left",
        "request",
        "response",
    )

    def __init__(
        self,
        chain: Chain,
        request: Any,
        begin: Callable[[], Any] | None = None,
        end: Callable[[Any, Any], object] | None = None,
    ) -> None:
        """Take the request; or what makes it, in the thread, before anything else.

        `end` is called in the thread with request and response when these have passed all.
        """
        self._chain = chain
        self._begin = begin
        self._end = end
        self._match: Any = None
        self._is_inside = False
        self._awaits_render = False
        self.request = request
        self.response: Any = None
        self.error: Exception | None = None
        self.depth = 0
        self.is_left = False

    def _go_in_here(self) -> object:
        """Pass the middleware, and go on to the view if it is found alike in any thread."""
        begin, self._begin = self._begin, None  # which refers to us, mostly
        if begin is not None:
            self.request = begin()
        self._process_requests()
        if not self._is_inside or self.is_left or self._chain.handler is None:
            return None
        if self._match is None:
            if not resolves_anywhere(self.request):
                return None
            self.depth = len(self._chain.middleware)
            self._resolve()
        if not base.iscoroutinefunction(self._match[0]):
            return self._view_and_out()
        self._process_views()
        return None

    def _resolve(self) -> None:
        callback, args, kwargs = self._chain.handler.resolve_request(self.request)
        self._match = callback, args, kwargs

    def _process_requests(self) -> None:
        request = self.request
        for index, middleware in enumerate(self._chain.middleware):
            if self.is_left:
                return
            self.depth = index
            process = getattr(middleware, "process_request", _ABSENT)
            if process is not _ABSENT:
                response = process(request)
                if response:
                    self.response = response
                    self.depth = index + 1
                    return
        self._is_inside = True

    def _process_responses(self) -> None:
        request, chain = self.request, self._chain.middleware
        while self.depth and not self.is_left:
            self.depth -= 1
            process = getattr(chain[self.depth], "process_response", _ABSENT)
            if process is not _ABSENT:
                self.response = process(request, self.response)

    def _process_views(self) -> None:
        callback, args, kwargs = self._match
        for method in self._chain.handler._view_middleware:
            if self.is_left:
                return
            self.response = method.func(self.request, callback, args, kwargs)
            if self.response:
                return

    def _view_and_out(self) -> object:
        handler, request = self._chain.handler, self.request
        callback, args, kwargs = self._match
        self._process_views()
        if self.response is None and not self.is_left:
            wrapped = handler.make_view_atomic(callback)
            try:
                self.response = wrapped(request, *args, **kwargs)
            except Exception as error:
                self._process_exception_here(error)
        if self.is_left:
            return None
        handler.check_response(self.response, callback)
        return self._render_and_out()

    def _render_and_out(self) -> object:
        if self._is_template_response():
            self._render()
        if self._awaits_render or self.is_left:
            return None
        refuse_coroutine(self.response)
        self._process_responses()
        if self.depth or self.is_left or self._end is None:
            return None
        end, self._end = self._end, None  # which refers to us, mostly
        return end(self.request, self.response)

    def _is_template_response(self) -> bool:
        return hasattr(self.response, "render") and callable(self.response.render)

    def _render(self) -> None:
        handler, request = self._chain.handler, self.request
        for method in handler._template_response_middleware:
            if self.is_left:
                return
            self.response = method.func(request, self.response)
            name = f"{method.__self__.__class__.__name__}.process_template_response"
            handler.check_response(self.response, method, name=name)
        if self.is_left:
            return
        try:
            if base.iscoroutinefunction(self.response.render):
                self._awaits_render = True
            else:
                self.response = self.response.render()
        except Exception as error:
            self._process_exception_here(error)

    def _process_exception_here(self, error: Exception) -> None:
        if self.is_left:
            return
        handler = self._chain.handler
        self.response = handler.process_exception_by_middleware(error, self.request)
        if self.response is None:
            raise error


def refuse_coroutine(response: Any) -> None:
    """Raise as Django does about a response that was never awaited."""
    if asyncio.iscoroutine(response):
        raise RuntimeError("Response is still a coroutine.")
