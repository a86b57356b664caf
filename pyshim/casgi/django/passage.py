"""One request's way through a chain of middleware to the view and back: few hops instead of many.

Each process_request, process_view, sync view, render and process_response is a call in the
request's thread, for which Django makes a trip there and back. Those that follow each other are
made here in one trip, in the same order, on the same objects. The rest stays where it is: async
views run in the event loop, and an exception becomes a response at the layer and in the kind of
thread where Django does that.

    loop                                                       async view
    thread   process_request*, resolve, process_view*, view, render,    process_response*

Where the thread could make a difference to it, the URL is resolved in the loop, between two trips.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import async_to_sync
from django.core.handlers import base, exception

from casgi.django.hop import hop
from casgi.django.steps import Steps, refuse_coroutine
from casgi.django.url_trees import examine, resolves_anywhere


class Passage(Steps):
    """A request within a chain, with what is awaited in the event loop."""

    __slots__ = ()

    async def go(self) -> Any:
        """Return the response of the first middleware, or raise what it raises."""
        return await self._go(self._go_in)

    def begin_in_loop(self) -> bool:
        """Make the request in the event loop; return whether `go` follows there, or `enter`.

        Its view is found here if that could be done anywhere; one that is sync is for `enter`.
        """
        begin, self._begin = self._begin, None
        assert begin is not None
        self.request = begin()
        if not resolves_anywhere(self.request):
            return True
        try:
            self._resolve()
        except Exception:
            return True  # It is raised again where it becomes a response.
        return self._is_async()

    def enter(self) -> object:
        """Go the first part of it, in the thread; `go_on` follows."""
        return self._go_in_here()

    async def go_on(self, error: BaseException | None) -> Any:
        """Do what `go` does behind the first part, which may have raised an error."""

        async def step() -> None:
            nonlocal error
            raised, error = error, None
            if raised is not None:
                try:
                    raise raised
                finally:
                    del raised
            if self._is_inside:
                await self._go_on()

        return await self._go(step)

    def leave(self) -> None:
        """Let nothing be called any more behind what runs now in the thread."""
        self.is_left = True

    def go_here(self) -> Any:
        """Do the same, in the request's thread; what is for the event loop is done there.

        An error of the first middleware becomes a response, too. When the client leaves,
        CancelledError is raised, as of async_to_sync().
        """
        step: Callable[[], Awaitable[None]] | None = None
        try:
            self._go_in_here()
            if not self._is_inside:
                self._process_responses()
            elif self._is_for_loop():
                step = self._go_on
        except Exception as error:
            self.error = error
            step = self._convert_error
        if self.is_left:
            raise asyncio.CancelledError
        return self.response if step is None else async_to_sync(self._go_converting)(step)

    async def _go_converting(self, step: Callable[[], Awaitable[None]]) -> Any:
        try:
            if self.error is not None and self.depth == 0:
                error, self.error = self.error, None
                raise error
            return await self._go(step)
        except Exception as error:
            return await response_for(self.request, error)

    async def _go(self, step: Callable[[], Awaitable[None]]) -> Any:
        while True:
            try:
                await step()
            except Exception as error:
                if self.depth == 0:
                    raise
                self.error = error
                step = self._convert_error
            else:
                if not self._any_has("process_response", self.depth):
                    return self.response
                step = self._go_out

    async def _go_in(self) -> None:
        count = len(self._chain.middleware)
        is_found = self._match is not None and not self._is_async()
        if self._begin is not None or is_found or self._any_has("process_request", count):
            await self._hop(self._go_in_here)
        else:
            self._is_inside = True
        if self._is_inside:
            await self._go_on()

    async def _go_on(self) -> None:
        """Pass what is behind the middleware that has let the request in."""
        count = len(self._chain.middleware)
        if self._chain.handler is None:
            self.depth = count - 1
            self.response = await self._chain.middleware[-1].get_response(self.request)
            self.depth = count
        else:
            self.depth = count if self._match is None else self.depth
            await self._go_to_view()

    async def _go_out(self) -> None:
        await self._hop(self._process_responses)

    async def _go_to_view(self) -> None:
        if self._match is None:
            await self._resolve_in_loop()
        if self._is_async():
            await self._async_view()
            if self._is_template_response() or self._any_has("process_response", self.depth):
                await self._hop(self._render_and_out)
        if self._awaits_render:
            self._awaits_render = False
            await self._async_render()

    async def _resolve_in_loop(self) -> None:
        self._resolve()
        examine(self.request)
        if not self._is_async():
            await self._hop(self._view_and_out)
        elif self._chain.handler._view_middleware:
            await self._hop(self._process_views)

    async def _convert_error(self) -> None:
        """Do what convert_exception_to_response() does around the layer that has raised."""
        error, self.error = self.error, None
        assert error is not None
        # What is raised here is raised within the middleware around it.
        self.depth -= 1
        try:
            raise error
        except Exception as raised:
            self.response = await response_for(self.request, raised)
        finally:
            del error
        self.depth += 1

    async def _hop(self, function: Callable[[], object]) -> None:
        try:
            await hop(function)
        except asyncio.CancelledError:
            self.is_left = True
            raise

    def _is_for_loop(self) -> bool:
        """Whether something behind the middleware is yet to be done, in the event loop."""
        return (
            self._chain.handler is None
            or self._match is None
            or self._awaits_render
            or self._is_async()
        )

    def _is_async(self) -> bool:
        """Whether the view that was found is."""
        return bool(base.iscoroutinefunction(self._match[0]))

    def _any_has(self, name: str, count: int) -> bool:
        return any(hasattr(one, name) for one in self._chain.middleware[:count])

    # As in BaseHandler._get_response_async()

    async def _async_view(self) -> None:
        callback, args, kwargs = self._match
        if self.response is None:
            wrapped = self._chain.handler.make_view_atomic(callback)
            try:
                self.response = await wrapped(self.request, *args, **kwargs)
            except Exception as error:
                await self._process_exception(error)
        self._chain.handler.check_response(self.response, callback)

    async def _async_render(self) -> None:
        try:
            self.response = await self.response.render()
        except Exception as error:
            await self._process_exception(error)
        refuse_coroutine(self.response)

    async def _process_exception(self, error: Exception) -> None:
        handler = self._chain.handler
        self.response = await base.sync_to_async(
            handler.process_exception_by_middleware, thread_sensitive=True
        )(error, self.request)
        if self.response is None:
            raise error


async def response_for(request: Any, error: Exception) -> Any:
    """Return the response that Django makes of an error, in a thread of its choice."""
    make: Any = exception.sync_to_async(exception.response_for_exception, thread_sensitive=False)
    return await make(request, error)
