"""How long requests take, by the template of their route: for a server that is observed.

What is timed is the call of the application, to the end of its response. The route is what Django's
URL resolver has matched (`polls/<int:id>/`), or what a framework puts into the scope (Starlette and
FastAPI "route", Litestar "path_template"); a request that no route has matched is NO_ROUTE.
"""

import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeAlias

NO_ROUTE = "(none)"

Record: TypeAlias = Callable[[str, float], None]

# Of the request that this context is of: its match, when there is one.
_match: ContextVar[list[Any] | None] = ContextVar("casgi.route", default=None)


def timed(application: Any, record: Record) -> Any:
    """Return an application that records the route and the seconds of each request."""

    def timed_application(scope: Any, receive: Any, send: Any) -> Any:
        call = timed_request if scope["type"] == "http" else application
        return call(scope, receive, send)

    async def timed_request(scope: Any, receive: Any, send: Any) -> None:
        match: list[Any] = []
        _match.set(match)
        began = time.perf_counter()
        try:
            await application(scope, receive, send)
        finally:
            record(_route_of(scope, match), time.perf_counter() - began)

    return timed_application


def _route_of(scope: Any, match: list[Any]) -> str:
    if match:
        return str(match[-1].route) or "/"
    path = scope.get("path_template") or getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) and path else NO_ROUTE


class DjangoRoutes:
    """Notes what Django's requests match, from begin() to end(). Other code sees no difference."""

    def __init__(self) -> None:
        self._original: Any = None
        self._ours: Any = None

    def begin(self) -> None:
        """Begin, if Django is there. After its functions were compared with what is known."""
        base = sys.modules.get("django.core.handlers.base")
        if base is None or self._ours is not None:
            return
        original = base.BaseHandler.resolve_request

        def resolve_request(self: Any, request: Any) -> Any:
            resolved = original(self, request)
            match = _match.get()
            if match is not None:
                match.append(request.resolver_match)
            return resolved

        resolve_request.__wrapped__ = original  # type: ignore[attr-defined]
        self._original, self._ours = original, resolve_request
        base.BaseHandler.resolve_request = resolve_request

    def end(self) -> None:
        """Put Django's back, unless somebody has put another there."""
        base = sys.modules.get("django.core.handlers.base")
        if base is not None and base.BaseHandler.resolve_request is self._ours:
            base.BaseHandler.resolve_request = self._original
        self._ours = None
