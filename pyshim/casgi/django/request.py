"""One request, as ASGIHandler.handle answers it, with its first two parts in one trip.

Django sends request_started in the thread, makes the request object in the loop, and goes into the
middleware. Here both are done in the trip that goes into the middleware, in the same order. What
reads, watches the client, sends and closes is done as in Django, by the handler's own methods. A
response of which all is in memory is closed in the trip that has made it: see `early_close`.
"""

import contextvars
import inspect
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers import asgi, base
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.http import FileResponse
from django.http.response import HttpResponseBase

from casgi.django import own_receivers
from casgi.django.chain import Chain
from casgi.django.early_close import EarlyClose
from casgi.django.first_trip import FirstTrip, begin_first_trip
from casgi.django.hop import has_no_thread, hop, waits_for_thread
from casgi.django.passage import Passage, response_for
from casgi.django.sentry import Tell
from casgi.django.sync_front import passage_of
from casgi.django.work import LAST
from casgi.origin import original_of

_OWN = {
    name: getattr(ASGIHandler, name)
    for name in ("create_request", "run_get_response", "get_response_async", "request_class")
    if hasattr(ASGIHandler, name)  # Not all of them are in Django 4.2.
}
ENDS = {
    name: original_of(vars(ASGIHandler)[name])
    for name in ("listen_for_disconnect", "send_response", "chunk_bytes", "chunk_size")
    if name in vars(ASGIHandler)
}
OWN_PARTS = (*_OWN, *ENDS)


def has_known_parts(handler: Any) -> bool:
    """Whether what is done here in the place of a handler's methods is what they would do."""
    kind = type(handler)
    return all(getattr(kind, name) is own for name, own in _OWN.items()) and not (
        vars(handler).keys() & _OWN.keys()
    )


def ends_as_django(handler: Any) -> bool:
    """Whether nobody has put something in the place of how a handler watches and sends."""
    kind = type(handler)
    found = (inspect.getattr_static(kind, name) for name in ENDS)
    is_own = all(original_of(one) is own for one, own in zip(found, ENDS.values(), strict=True))
    return is_own and not vars(handler).keys() & ENDS.keys()


class NotBegun(BaseException):
    """There is no request, so that nothing makes a response of the error: it passes everything."""


class Request:
    """A request from its body to its end; how it is watched meanwhile is in `request_kinds`."""

    keeps_variables = False
    """Whether what receivers of request_started do to context variables reaches the request."""
    tells: Sequence[Tell] = ()
    """What has wrapped Django's making of requests hears of them by these."""
    may_close_early = True
    """Whether it is Django's own code by which responses are closed."""

    def __init__(self, handler: Any, chain: Chain, scope: Any, send: Any) -> None:
        self._handler = handler
        self._chain = chain
        self._early_close = EarlyClose(handler.__class__, send, self.keeps_variables)
        if not self.may_close_early:
            self._early_close.prevent()
        self._passage = passage_of(chain, self._begin, self._early_close.close)
        self._scope = scope
        self._body: Any = None
        self._receivers: Sequence[Callable[..., Any]] = ()
        self._is_quiet = False  # Nobody but Django has heard of its start, in no thread.
        self._has_to_begin = [True]  # taken out once, by the thread or by the loop
        self._error: BaseException | None = None

    async def answer(self, receive: Any, send: Any) -> None:
        """Do what ASGIHandler.handle does."""
        try:
            self._body = await self._handler.read_body(receive)
        except RequestAborted:
            return
        await self._answer_read(receive, send)

    async def _answer_read(self, receive: Any, send: Any) -> None:
        raise NotImplementedError

    async def _start(self) -> None:
        """Find out who receives request_started; it is sent here if any receiver is async."""
        asgi.set_script_prefix(asgi.get_script_prefix(self._scope))
        signal, sender = signals.request_started, self._handler.__class__
        if not signal.receivers or self._starts_quietly():
            return
        self._receivers, is_async = signal._live_receivers(sender)
        if is_async:
            self._receivers = ()
            await signal.asend(sender=sender, scope=self._scope)

    def _starts_quietly(self) -> bool:
        """Find out whether request_started has only receivers that have nothing to do."""
        only_django = own_receivers.started.of(self._handler.__class__) is not None
        self._is_quiet = only_django and has_no_thread()
        return self._is_quiet

    def _begins_in_loop(self) -> bool:
        """Make the request here, and find its view, as Django does; whether that is async, too.

        Only where nothing is for the thread before that.
        """
        handler, passage = self._chain.handler, self._passage
        if not self._is_quiet or self.tells or self._chain.middleware or handler is None:
            return False
        if handler._view_middleware or not isinstance(passage, Passage):
            return False
        return passage.begin_in_loop()

    def _begin_first_trip(
        self, receive: Any, context: contextvars.Context | None
    ) -> FirstTrip | None:
        """Begin it if it may be all, but for sending the response."""
        if not self._chain.ends_as_django or not self._early_close.is_possible():
            return None
        return begin_first_trip(self._passage, receive, context)

    async def _get_response(self, go: Callable[[], Awaitable[Any]]) -> Any:
        """Do what run_get_response() and get_response_async() do; `go` is the passage's."""
        handler, passage = self._handler, self._passage
        try:
            response = await go()
        except Exception as error:
            response = await response_for(passage.request, error)
        if self._early_close.is_taken:
            return response
        request = passage.request
        response._resource_closers.append(request.close)
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            log: Any = base.sync_to_async(base.log_response, thread_sensitive=False)
            phrase, path = response.reason_phrase, request.path
            await log("%s: %s", phrase, path, response=response, request=request)
        response._handler_class = handler.__class__
        if isinstance(response, FileResponse):
            response.block_size = handler.chunk_size
        return response

    async def _close(self, response: Any) -> None:
        """Close what has been sent."""
        if self._early_close.is_taken:
            self._early_close.raise_error()
        elif self._is_quiet and self._leaves_nothing(response):
            own_receivers.close_response(response, self._handler.__class__, [base.reset_urlconf])
        else:
            await close_response(response)

    def _leaves_nothing(self, response: Any) -> bool:
        """Whether closing does nothing that is for the thread, which there is none."""
        request: Any = self._passage.request
        return (
            has_no_thread()
            and type(response).close is HttpResponseBase.close
            and "close" not in vars(response)
            and response._resource_closers == [request.close]
            and not vars(request).keys() & {"close", "_files"}
            and own_receivers.finished.of(self._handler.__class__) is not None
            and not own_receivers.has_caches()
        )

    async def _end_unanswered(self) -> None:
        sender = self._handler.__class__
        if self._has_to_begin and waits_for_thread():
            return  # As if its client had left before it was read.
        if not self._early_close.prevent():
            return  # It is done, or nearly.
        if self._has_to_begin:
            # The thread has not come to it, and will not any more: who starts is told in any case.
            self._has_to_begin.clear()
            await signals.request_started.asend(sender=sender, scope=self._scope)
        await signals.request_finished.asend(sender=sender)

    async def _refuse(self, send: Any) -> None:
        """End a request that was never made."""
        if self._error is not None:
            raise self._error
        request, response = self._handler.create_request(self._scope, self._body)
        assert request is None, "the same scope makes a request or none"
        self._body.close()
        await self._send_refusal(response, send)

    async def _send_refusal(self, response: Any, send: Any) -> None:
        await self._handler.send_response(response, send)
        await close_response(response)

    # In the thread

    def _begin(self) -> Any:
        try:
            self._has_to_begin.pop()
        except IndexError:
            raise NotBegun from None
        try:
            if self.keeps_variables or not self._receivers:
                self._send_started()
            else:
                contextvars.copy_context().run(self._send_started)
        except BaseException as error:
            self._error = error
            raise NotBegun from None
        try:
            request = ASGIRequest(self._scope, self._body)
        except Exception:
            raise NotBegun from None
        try:
            for tell in self.tells:
                tell(self._handler, request)
        except Exception as error:
            self._error = error
            raise NotBegun from None
        base.set_urlconf(base.settings.ROOT_URLCONF)
        return request

    def _send_started(self) -> None:
        signal, sender = signals.request_started, self._handler.__class__
        for receiver in self._receivers:
            receiver(signal=signal, sender=sender, scope=self._scope)


async def close_response(response: Any) -> None:
    """Close it in the thread, by which request_finished is sent."""
    if type(response).close is HttpResponseBase.close:
        await hop(partial(_close_last, response))
    else:
        await asgi.sync_to_async(response.close)()


def _close_last(response: Any) -> object:
    response.close()
    return LAST
