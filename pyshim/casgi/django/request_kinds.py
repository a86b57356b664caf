"""How a request is watched while it is answered, which is not the same in all releases of Django.

A client that leaves ends its request, from Django 5.0 on. In 5.0 to 6.0 two tasks are waited for,
of which one answers; in 6.1 the request's own task answers, and a group cancels it.
"""

import asyncio
import contextlib
import contextvars
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from django.core.exceptions import RequestAborted
from django.core.handlers import asgi

from casgi.django.client_watch import ClientWatch, is_watchable
from casgi.django.first_trip import FirstTrip
from casgi.django.hop import has_no_thread
from casgi.django.memory_responses import send_response
from casgi.django.request import NotBegun, Request

Go: TypeAlias = Callable[[], Awaitable[Any]]


class UnwatchedRequest(Request):
    """As Django 4.2 has it: nobody looks whether the client is still there."""

    keeps_variables = True

    def __init__(self, handler: Any, chain: Any, scope: Any, send: Any) -> None:
        super().__init__(handler, chain, scope, send)
        self._early_close.prevent()  # Its send_response() closes.

    async def _answer_read(self, receive: Any, send: Any) -> None:
        await self._start()
        try:
            self._begins_in_loop()
            response = await self._get_response(self._passage.go)
        except NotBegun:
            await self._refuse(send)
        else:
            await self._handler.send_response(response, send)  # which closes it

    async def _start(self) -> None:
        asgi.set_script_prefix(self._handler.get_script_prefix(self._scope))
        signal = asgi.signals.request_started
        if signal.receivers and not self._starts_quietly():
            self._receivers = signal._live_receivers(self._handler.__class__)

    async def _send_refusal(self, response: Any, send: Any) -> None:
        await self._handler.send_response(response, send)


class _Unheard(Exception):
    """There is an answer, and the request would have been cancelled before, since its client left.

    Django goes to the thread several times for it; here one trip may be over before that.
    """


class RequestInTasks(Request):
    """As Django 5.0 to 6.0 have it."""

    _first: "asyncio.Future[None] | None" = None
    _listening: "asyncio.Task[Any] | None" = None

    async def _answer_read(self, receive: Any, send: Any) -> None:
        await self._start()
        # The context that the responding task has.
        context = contextvars.copy_context()
        trip = None
        try:
            is_in_loop = context.run(self._begins_in_loop)
            if not is_in_loop:
                trip = self._begin_first_trip(receive, context)
            if trip is None:
                await self._answer_in_tasks(receive, send, context, self._passage.go)
            else:
                await self._answer_in(trip, receive, send, context)
        except NotBegun:
            await self._refuse(send)

    async def _answer_in(
        self, trip: FirstTrip, receive: Any, send: Any, context: contextvars.Context
    ) -> None:
        """Answer in the first trip, and in tasks what has to be done behind it."""
        try:
            await trip.wait()
        except asyncio.CancelledError:
            if not trip.has_left:
                if trip.has_failed:
                    self._body.close()
                elif self._passage.request is not None:
                    self._begin_tasks(receive, send, contextvars.copy_context(), trip.finish)
                raise
            await self._end_unanswered()
            self._body.close()
            return
        if self._early_close.is_taken and trip.error is None:
            await send_response(self._handler, self._passage.response, send)
            self._early_close.raise_error()
            self._body.close()
        elif trip.has_left:
            going_on = self._respond(send, trip.go_on)
            responding = asyncio.get_running_loop().create_task(going_on, context=context)
            await asyncio.wait([responding])
            await self._end_response(responding)
        else:
            await self._answer_in_tasks(receive, send, context, trip.go_on)

    async def _answer_in_tasks(
        self, receive: Any, send: Any, context: contextvars.Context, go: Go
    ) -> None:
        watch = self._watch(receive)
        if watch is not None:
            responding = self._begin_to_respond(send, context, go)
            watch.call_when_left(self._on_end)
            try:
                await self._wait_for_first(responding)
            finally:
                watch.close()
            await self._end(responding)
            return
        tasks = self._begin_tasks(receive, send, context, go)
        await self._wait_for_first(*tasks)
        await self._end(*tasks)

    def _watch(self, receive: Any) -> ClientWatch | None:
        """Watch the client without a task, if that can be done and it has not left."""
        if not self._chain.ends_as_django or not is_watchable(receive):
            return None
        watch = ClientWatch(receive)
        if not watch.has_left:
            return watch
        watch.close()
        return None

    def _begin_to_respond(
        self, send: Any, context: contextvars.Context, go: Go
    ) -> asyncio.Task[Any]:
        return asyncio.get_running_loop().create_task(self._respond(send, go), context=context)

    def _begin_tasks(
        self, receive: Any, send: Any, context: contextvars.Context, go: Go
    ) -> tuple[asyncio.Task[Any], asyncio.Task[Any]]:
        listen = self._handler.listen_for_disconnect
        self._listening = asyncio.get_running_loop().create_task(listen(receive))
        return self._listening, self._begin_to_respond(send, context, go)

    async def _wait_for_first(self, *tasks: asyncio.Task[Any]) -> None:
        """Wait until one of them is done; `_respond` tells it by itself, at its end."""
        self._first = asyncio.get_running_loop().create_future()
        for task in tasks:
            task.add_done_callback(self._on_end)
        try:
            await self._first
        except asyncio.CancelledError:
            if self._passage.request is None:  # As while request_started is sent.
                for task in tasks:
                    task.cancel()
            raise
        finally:
            for task in tasks:
                task.remove_done_callback(self._on_end)

    def _on_end(self, task: Any = None) -> None:
        if self._first is not None and not self._first.done():
            self._first.set_result(None)

    async def _respond(self, send: Any, go: Go) -> Any:
        response = await self._get_response(go)
        if self._listening is not None and _is_too_soon(self._listening):
            raise _Unheard
        with contextlib.suppress(asyncio.CancelledError):  # There is a response to be closed.
            await self._handler.send_response(response, send)
        self._on_end()
        return response

    async def _end(self, *tasks: asyncio.Task[Any]) -> None:
        for task in tasks:
            if task.done():
                try:
                    task.result()
                except (RequestAborted, _Unheard):
                    pass  # The client has left.
                except AssertionError:
                    self._body.close()
                    raise
            else:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        await self._end_response(tasks[-1])

    async def _end_response(self, responding: asyncio.Task[Any]) -> None:
        try:
            response = responding.result()
        except (asyncio.CancelledError, _Unheard):
            await self._end_unanswered()
        else:
            await self._close(response)
        self._body.close()


class _Processed(Exception):
    """The request has been answered: the group need not wait for its client to leave."""


class RequestInGroup(Request):
    """As Django 6.1 has it."""

    keeps_variables = True

    def __init__(self, handler: Any, chain: Any, scope: Any, send: Any) -> None:
        super().__init__(handler, chain, scope, send)
        self._response: Any = None

    async def _answer_read(self, receive: Any, send: Any) -> None:
        with contextlib.closing(self._body):
            await self._start()
            try:
                await self._respond_first(receive, send)
            except NotBegun:
                await self._refuse(send)
            else:
                if self._response is None:
                    await self._end_unanswered()
                else:
                    await self._close(self._response)

    async def _respond_first(self, receive: Any, send: Any) -> None:
        """Answer in the first trip, or in a group what has to be done behind it."""
        trip = None
        if not self._begins_in_loop():
            trip = self._begin_first_trip(receive, None)
        if trip is None:
            await self._respond(receive, send, self._passage.go)
            return
        try:
            await trip.wait()
        except asyncio.CancelledError:
            if not trip.has_left:
                self._passage.leave()
                raise
            return
        if self._early_close.is_taken and trip.error is None:
            self._response = self._passage.response
            await send_response(self._handler, self._response, send)
        elif trip.has_left:
            self._response = await self._get_response(trip.go_on)
            await self._handler.send_response(self._response, send)
        else:
            await self._respond(receive, send, trip.go_on)

    async def _respond(self, receive: Any, send: Any, go: Go) -> None:
        handler = self._handler
        try:
            try:
                async with asyncio.TaskGroup() as group:
                    listening = group.create_task(handler.listen_for_disconnect(receive))
                    response = await self._get_response(go)
                    if _is_too_soon(listening):
                        await asyncio.sleep(0)  # The group cancels this.
                    self._response = response
                    await handler.send_response(response, send)
                    raise _Processed
            except* (_Processed, RequestAborted):
                pass
        except BaseExceptionGroup as errors:
            if len(errors.exceptions) == 1:
                raise errors.exceptions[0]  # noqa: B904 (as in Django)
            raise


def _is_too_soon(listening: asyncio.Task[Any]) -> bool:
    """Whether an answer came from the thread when the client was known to have left."""
    return listening.done() and not has_no_thread()


KINDS = {"4.2": UnwatchedRequest, "5.0": RequestInTasks, "6.1": RequestInGroup}
"""By the first release of Django that has such a `handle`."""
