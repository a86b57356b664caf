"""How a request is watched while it is answered, which is not the same in all releases of Django.

A client that leaves ends its request, from Django 5.0 on. In 5.0 to 6.0 two tasks are waited for,
of which one answers; in 6.1 the request's own task answers, and a group cancels it.
"""

import asyncio
import contextlib
from typing import Any

from django.core.exceptions import RequestAborted
from django.core.handlers import asgi

from casgi.django.request import NotBegun, Request


class UnwatchedRequest(Request):
    """As Django 4.2 has it: nobody looks whether the client is still there."""

    keeps_variables = True

    def __init__(self, handler: Any, chain: Any, scope: Any, send: Any) -> None:
        super().__init__(handler, chain, scope, send)
        self._early_close.prevent()  # Its send_response() closes.

    async def _answer_read(self, receive: Any, send: Any) -> None:
        await self._start()
        try:
            response = await self._get_response()
        except NotBegun:
            await self._refuse(send)
        else:
            await self._handler.send_response(response, send)  # which closes it

    async def _start(self) -> None:
        asgi.set_script_prefix(self._handler.get_script_prefix(self._scope))
        signal = asgi.signals.request_started
        if signal.receivers:
            self._receivers = signal._live_receivers(self._handler.__class__)

    async def _send_refusal(self, response: Any, send: Any) -> None:
        await self._handler.send_response(response, send)


class RequestInTasks(Request):
    """As Django 5.0 to 6.0 have it."""

    def __init__(self, handler: Any, chain: Any, scope: Any, send: Any) -> None:
        super().__init__(handler, chain, scope, send)
        self._first: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def _answer_read(self, receive: Any, send: Any) -> None:
        await self._start()
        loop = asyncio.get_running_loop()
        listening = loop.create_task(self._handler.listen_for_disconnect(receive))
        responding = loop.create_task(self._respond(send))
        await self._wait_for_first(listening, responding)
        try:
            await self._end(listening, responding)
        except NotBegun:
            await self._refuse(send)

    async def _wait_for_first(self, listening: Any, responding: Any) -> None:
        """Wait until one of them is done; `_respond` tells it by itself, at its end."""
        listening.add_done_callback(self._on_end)
        responding.add_done_callback(self._on_end)
        try:
            await self._first
        except asyncio.CancelledError:
            if self._passage.request is None:  # As while request_started is sent.
                listening.cancel()
                responding.cancel()
            raise
        finally:
            listening.remove_done_callback(self._on_end)
            responding.remove_done_callback(self._on_end)

    def _on_end(self, task: Any = None) -> None:
        if not self._first.done():
            self._first.set_result(None)

    async def _respond(self, send: Any) -> Any:
        response = await self._get_response()
        with contextlib.suppress(asyncio.CancelledError):  # There is a response to be closed.
            await self._handler.send_response(response, send)
        self._on_end()
        return response

    async def _end(self, listening: asyncio.Task[Any], responding: asyncio.Task[Any]) -> None:
        for task in (listening, responding):
            if task.done():
                try:
                    task.result()
                except RequestAborted:
                    pass  # The client has left.
                except AssertionError:
                    self._body.close()
                    raise
            else:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        try:
            response = responding.result()
        except asyncio.CancelledError:
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
                await self._respond(receive, send)
            except NotBegun:
                await self._refuse(send)
            else:
                if self._response is None:
                    await self._end_unanswered()
                else:
                    await self._close(self._response)

    async def _respond(self, receive: Any, send: Any) -> None:
        handler = self._handler
        try:
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(handler.listen_for_disconnect(receive))
                    self._response = await self._get_response()
                    await handler.send_response(self._response, send)
                    raise _Processed
            except* (_Processed, RequestAborted):
                pass
        except BaseExceptionGroup as errors:
            if len(errors.exceptions) == 1:
                raise errors.exceptions[0]  # noqa: B904 (as in Django)
            raise


KINDS = {"4.2": UnwatchedRequest, "5.0": RequestInTasks, "6.1": RequestInGroup}
"""By the first release of Django that has such a `handle`."""
