"""One request's way through a chain of middleware to the view and back: few hops instead of many.

Each process_request, process_view, sync view, render and process_response is a call in the
request's thread, for which Django makes a trip there and back. Those that follow each other are
made here in one trip, in the same order, on the same objects. The rest stays where it is: the URL
is resolved and async views run in the event loop, and an exception becomes a response at the layer
and in the kind of thread where Django does that.

    loop                       resolve                                async view
    thread   process_request*           process_view*, view, render               process_response*
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers import base, exception

from casgi.django.chain import Chain


def _call(function: Callable[[], None]) -> None:
    function()


# One for all: making one for each call is a part of what a hop costs.
_in_thread = sync_to_async(_call, thread_sensitive=True)


class Passage:
    """A request within a chain.

    Attributes:
        depth: how many middleware the response has yet to pass. While something runs that may
            raise: those that its error's response will have to pass.
        is_left: the task was cancelled, since the client has left for example: what has begun in
            the thread goes on to its end, and nothing is called after it.

    """

    __slots__ = (
        "_awaits_render",
        "_chain",
        "_error",
        "_is_inside",
        "_match",
        "_request",
        "depth",
        "is_left",
        "response",
    )

    def __init__(self, chain: Chain, request: Any) -> None:
        self._chain = chain
        self._request = request
        self._match: Any = None
        self._error: Exception | None = None
        self._is_inside = False
        self._awaits_render = False
        self.response: Any = None
        self.depth = 0
        self.is_left = False

    async def go(self) -> Any:
        """Return the response of the first middleware, or raise what it raises."""
        step: Callable[[], Awaitable[None]] = self._go_in
        while True:
            try:
                await step()
            except Exception as error:
                if self.depth == 0:
                    raise
                self._error = error
                step = self._convert_error
            else:
                if not self._any_has("process_response", self.depth):
                    return self.response
                step = self._go_out

    async def _go_in(self) -> None:
        count = len(self._chain.middleware)
        if self._any_has("process_request", count):
            await self._hop(self._process_requests)
        else:
            self._is_inside = True
        if not self._is_inside:
            return
        if self._chain.handler is None:
            self.depth = count - 1
            self.response = await self._chain.middleware[-1].get_response(self._request)
            self.depth = count
        else:
            self.depth = count
            await self._go_to_view()

    async def _go_out(self) -> None:
        await self._hop(self._process_responses)

    async def _go_to_view(self) -> None:
        handler = self._chain.handler
        self._match = callback, _, _ = handler.resolve_request(self._request)
        if not base.iscoroutinefunction(callback):
            await self._hop(self._view_and_out)
        else:
            await self._async_view()
            if self._is_template_response() or self._any_has("process_response", self.depth):
                await self._hop(self._render_and_out)
        if self._awaits_render:
            self._awaits_render = False
            await self._async_render()

    async def _convert_error(self) -> None:
        """Do what convert_exception_to_response() does around the layer that has raised."""
        error, self._error = self._error, None
        assert error is not None
        # What is raised here is raised within the middleware around it.
        self.depth -= 1
        try:
            raise error
        except Exception as raised:
            self.response = await exception.sync_to_async(
                exception.response_for_exception, thread_sensitive=False
            )(self._request, raised)
        finally:
            del error
        self.depth += 1

    async def _hop(self, function: Callable[[], None]) -> None:
        try:
            await _in_thread(function)
        except asyncio.CancelledError:
            self.is_left = True
            raise

    def _any_has(self, name: str, count: int) -> bool:
        return any(hasattr(one, name) for one in self._chain.middleware[:count])

    # In the loop, as in BaseHandler._get_response_async()

    async def _async_view(self) -> None:
        handler, request = self._chain.handler, self._request
        callback, args, kwargs = self._match
        if handler._view_middleware:
            await self._hop(self._process_views)
        if self.response is None:
            wrapped = handler.make_view_atomic(callback)
            try:
                self.response = await wrapped(request, *args, **kwargs)
            except Exception as error:
                await self._process_exception(error)
        handler.check_response(self.response, callback)

    async def _async_render(self) -> None:
        try:
            self.response = await self.response.render()
        except Exception as error:
            await self._process_exception(error)
        _refuse_coroutine(self.response)

    async def _process_exception(self, error: Exception) -> None:
        handler = self._chain.handler
        self.response = await base.sync_to_async(
            handler.process_exception_by_middleware, thread_sensitive=True
        )(error, self._request)
        if self.response is None:
            raise error

    # In the thread

    def _process_requests(self) -> None:
        request = self._request
        for index, middleware in enumerate(self._chain.middleware):
            if self.is_left:
                return
            self.depth = index
            if hasattr(middleware, "process_request"):
                response = middleware.process_request(request)
                if response:
                    self.response = response
                    self.depth = index + 1
                    return
        self._is_inside = True

    def _process_responses(self) -> None:
        request, chain = self._request, self._chain.middleware
        while self.depth and not self.is_left:
            self.depth -= 1
            middleware = chain[self.depth]
            if hasattr(middleware, "process_response"):
                self.response = middleware.process_response(request, self.response)

    def _process_views(self) -> None:
        callback, args, kwargs = self._match
        for method in self._chain.handler._view_middleware:
            if self.is_left:
                return
            self.response = method.func(self._request, callback, args, kwargs)
            if self.response:
                return

    def _view_and_out(self) -> None:
        handler, request = self._chain.handler, self._request
        callback, args, kwargs = self._match
        self._process_views()
        if self.response is None and not self.is_left:
            wrapped = handler.make_view_atomic(callback)
            try:
                self.response = wrapped(request, *args, **kwargs)
            except Exception as error:
                self._process_exception_here(error)
        if not self.is_left:
            handler.check_response(self.response, callback)
            self._render_and_out()

    def _render_and_out(self) -> None:
        if self._is_template_response():
            self._render()
        if not self._awaits_render and not self.is_left:
            _refuse_coroutine(self.response)
            self._process_responses()

    def _is_template_response(self) -> bool:
        return hasattr(self.response, "render") and callable(self.response.render)

    def _render(self) -> None:
        handler, request = self._chain.handler, self._request
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
        self.response = handler.process_exception_by_middleware(error, self._request)
        if self.response is None:
            raise error


def _refuse_coroutine(response: Any) -> None:
    if asyncio.iscoroutine(response):
        raise RuntimeError("Response is still a coroutine.")
