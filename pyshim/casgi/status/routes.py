"""What Django's requests match, for a server that is observed: csrc/asgi/request_time.h asks.

Other frameworks leave their route in the scope, where it is found without us.
"""

import sys
from contextvars import ContextVar
from typing import Any

from casgi import _core
from casgi.origin import StandIn

# Of the request that this context is of: what its URL has matched, when it is timed.
_matches: ContextVar[list[Any]] = ContextVar("casgi.route_matches")


class DjangoRoutes:
    """Notes what Django's requests match, from begin() to end(). Other code sees no difference."""

    def __init__(self) -> None:
        self._resolving: StandIn | None = None

    def begin(self, core: _core.Server) -> None:
        """Begin for the requests of a server, if Django is there."""
        base = sys.modules.get("django.core.handlers.base")
        if base is None or self._resolving is not None:
            return

        def resolve_request(self: Any, request: Any) -> Any:
            resolved = resolving.original(self, request)
            matches = _matches.get(None)
            if matches is not None:
                matches.append(request.resolver_match)
            return resolved

        self._resolving = resolving = StandIn(base.BaseHandler, "resolve_request", resolve_request)
        resolve_request.__wrapped__ = resolving.original  # type: ignore[attr-defined]
        resolving.install()
        core.route_matches = _matches

    def end(self) -> None:
        """Put Django's back, unless somebody has put another there."""
        if self._resolving is not None:
            self._resolving.remove()
            self._resolving = None
