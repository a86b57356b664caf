"""Which kind of callable an application is, and ASGI 2 made into ASGI 3.

ASGI 2 (Channels 2 and Django Channels projects of its time) calls an application twice: with the
scope, and its result with receive and send. The two are distinguished by how many arguments fit.
"""

import inspect
from typing import Any, cast

from casgi.asgi import Application, DoubleCallable, Receive, Scope, Send
from casgi.errors import ApplicationImportError

_WSGI = (
    "the application takes two arguments, as WSGI applications do; casgi serves ASGI"
    " (for Django use get_asgi_application, otherwise wrap it in a2wsgi.WSGIMiddleware)"
)


def as_asgi3(application: Any) -> Application:
    """Return the application as ASGI 3; raise ApplicationImportError when it is no application."""
    if not callable(application):
        kind = type(application).__name__
        raise ApplicationImportError(f"the application is not callable: it is of type {kind}")
    if _is_wsgi(application):
        raise ApplicationImportError(_WSGI)
    if _accepts(application, 3) and not _is_marked_double(application):
        return cast(Application, application)
    if _accepts(application, 1):
        return _single_from_double(application)
    if _accepts(application, 2):
        raise ApplicationImportError(_WSGI)
    raise ApplicationImportError(
        "the application does not take the arguments of ASGI: scope, receive and send"
        + _factory_hint(application)
    )


def _factory_hint(application: Any) -> str:
    if not _accepts(application, 0):
        return ""
    return "; if it makes one, name it with () behind, in quotes: 'module:make()'"


def _is_wsgi(application: Any) -> bool:
    """Whether it names a parameter as PEP 3333 does, whatever others it has."""
    try:
        return "start_response" in inspect.signature(application).parameters
    except (TypeError, ValueError):
        return False


def _accepts(application: Any, arguments: int) -> bool:
    try:
        signature = inspect.signature(application)
    except (TypeError, ValueError):
        # A callable written in C need not say what it takes; nearly all are ASGI 3.
        return arguments == 3
    try:
        signature.bind(*[None] * arguments)
    except TypeError:
        return False
    return True


def _is_marked_double(application: Any) -> bool:
    """Whether it has the mark of asgiref, for callables of any arguments such as decorated ones."""
    return bool(getattr(application, "_asgi_double", False))


def _single_from_double(application: DoubleCallable) -> Application:
    async def single(scope: Scope, receive: Receive, send: Send) -> None:
        instance = application(scope)
        await instance(receive, send)

    return single
