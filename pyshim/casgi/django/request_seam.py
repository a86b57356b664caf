"""The seam in Django: ASGIHandler.handle, which answers one request; see `request`."""

from dataclasses import replace
from typing import Any

from django.core import signals
from django.core.handlers.asgi import ASGIHandler
from django.utils.deprecation import MiddlewareMixin

from casgi.django import memory_responses, own_receivers, sentry
from casgi.django.chain import Chain, read_whole_chain
from casgi.django.chain_facts import KnownChains
from casgi.django.code_watch import CodeWatch, names_there
from casgi.django.releases import (
    BESIDES,
    MIDDLEWARE,
    REQUESTS,
    SIGNALS,
    kind_of_requests,
    signal_names,
)
from casgi.django.request import ENDS, OWN_PARTS, ends_as_django, has_known_parts
from casgi.django.request_kinds import KINDS
from casgi.origin import StandIn, change_in

_ASGI = "django.core.handlers.asgi"
_ENDS = tuple((_ASGI, f"ASGIHandler.{name}") for name in ENDS if name != "chunk_size")
_LOOKED_AT = ((_ASGI, "ASGIRequest.__init__"), (_ASGI, "ASGIHandler.chunk_size"), *_ENDS)
_CLOSE = ("django.http.response", ["HttpResponseBase.close"])


class Requests:
    """Our `handle` in the place of Django's, from `install` to `remove`."""

    def __init__(self) -> None:
        known = kind_of_requests()
        assert known is not None, "where it is not known, this is not made"
        self._passed_by = (*REQUESTS, *BESIDES[known], *MIDDLEWARE, *names_there(_LOOKED_AT))
        self._passed_by += tuple((_CLOSE[0], name) for name in _CLOSE[1])
        self._code = code = CodeWatch("requests are answered by Django")
        # Somebody may have replaced them before casgi had a look at the class.
        are_ends_own = change_in(_ASGI, [name for _, name in names_there(_ENDS)]) is None
        told = {"tells": tuple(sentry.tells()), "may_close_early": change_in(*_CLOSE) is None}
        kind: Any = type("_Request", (KINDS[known],), told)

        async def handle(self: Any, scope: Any, receive: Any, send: Any) -> None:
            chain = chains.of(self) if code.holds() and sentry.is_quiet() else None
            if chain is None:
                await handling.original(self, scope, receive, send)
            else:
                await kind(self, chain, scope, send).answer(receive, send)

        def read(handler: Any) -> Chain | None:
            if not has_known_parts(handler):
                return None
            chain = read_whole_chain(handler, vars(MiddlewareMixin)["__acall__"])
            return chain and replace(chain, ends_as_django=are_ends_own and ends_as_django(handler))

        chains = KnownChains(read, OWN_PARTS)
        self._handling = handling = StandIn(ASGIHandler, "handle", handle)

    def install(self) -> None:
        """Answer requests in few hops from now on."""
        self._handling.install()
        shadowed = [(signal, name) for _, signal, name in signal_names()]
        memory_responses.look()
        own_receivers.look()
        self._code.begin(self._passed_by, [(signals, name) for name in SIGNALS] + shadowed)

    def remove(self) -> None:
        """Put Django's back."""
        self._handling.remove()
