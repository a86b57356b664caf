"""Closing a response in the trip that has made it, where nobody can tell it from closing it later.

Django closes a response when it has been sent, in a trip of its own, and sends request_finished by
that. If all of the response is in memory, casgi takes the messages itself, and only Django's own
receivers are there, the two come to the same: what is closed are the files of the request, and
connections of databases and caches are looked at a moment earlier.
"""

from typing import Any

from django.core.handlers import base
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse

from casgi import _core
from casgi.django.own_receivers import close_response, finished
from casgi.django.work import LAST

_CONTENT = (HttpResponse.content, SimpleTemplateResponse.content)
_LEAST_ERROR = 400  # Of which Django writes a log record before.


class EarlyClose:
    """Whether the response of one request is closed early, and what that has raised.

    Attributes:
        is_taken: it is.

    """

    def __init__(self, sender: Any, send: Any, keeps_variables: bool) -> None:
        """Take a handler's class, what takes messages, and whether a trip's variables are kept."""
        self.is_taken = False
        self._keeps_variables = keeps_variables
        self._sender = sender
        # Taken out once, by the thread or by the loop.
        self._permission = [True] if _is_own(send) else []
        self._error: BaseException | None = None

    def is_possible(self) -> bool:
        """Whether nothing prevents it but the response."""
        return bool(self._permission)

    def prevent(self) -> bool:
        """Have it closed as ever; False if it is too late for that."""
        self._permission.clear()
        return not self.is_taken

    def close(self, request: Any, response: Any) -> object:
        """Close a response that has passed all middleware, in the thread, if it may be closed."""
        receivers = finished.of(self._sender) if _is_in_memory(response) else None
        if receivers is None:
            return None
        try:
            self._permission.pop()
        except IndexError:
            return None
        self.is_taken = True
        response._resource_closers.append(request.close)
        response._handler_class = self._sender
        if not self._keeps_variables:  # One of them ends with the context.
            receivers = [one for one in receivers if one is not base.reset_urlconf]
        try:
            close_response(response, self._sender, receivers)
        except BaseException as error:
            self._error = error
        return LAST

    def raise_error(self) -> None:
        """Raise what closing has raised, when the response has been sent."""
        error, self._error = self._error, None
        if error is not None:
            raise error


def _is_own(send: Any) -> bool:
    """Whether no middleware of ASGI could see the order."""
    return type(send) is _core.AsyncMethod


def _is_in_memory(response: Any) -> bool:
    kind: Any = type(response)
    return (
        isinstance(response, HttpResponse)
        and not response.streaming
        and kind.close is HttpResponseBase.close
        and kind.content in _CONTENT
        # Of another type, Django fails where it compares it, behind all that makes pages of errors.
        and isinstance(response.status_code, int)
        and response.status_code < _LEAST_ERROR
        and not response._resource_closers
        and not response.closed
        and "close" not in vars(response)
    )
