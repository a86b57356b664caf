"""The seam in Django: ASGIHandler.handle, which answers one request; see `request`."""

from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.utils.deprecation import MiddlewareMixin

from casgi.django.chain import Chain, read_whole_chain
from casgi.django.chain_facts import KnownChains
from casgi.django.releases import kind_of_requests
from casgi.django.request import OWN_PARTS, are_requests_known, has_known_parts
from casgi.django.request_kinds import KINDS


class Requests:
    """Our `handle` in the place of Django's, from `install` to `remove`."""

    def __init__(self) -> None:
        self._original = original = vars(ASGIHandler)["handle"]
        known = kind_of_requests()
        assert known is not None, "where it is not known, this is not made"
        kind = KINDS[known]

        async def handle(self: Any, scope: Any, receive: Any, send: Any) -> None:
            chain = chains.of(self) if are_requests_known() else None
            if chain is None:
                await original(self, scope, receive, send)
            else:
                await kind(self, chain, scope, send).answer(receive, send)

        def read(handler: Any) -> Chain | None:
            if not has_known_parts(handler):
                return None
            return read_whole_chain(handler, vars(MiddlewareMixin)["__acall__"])

        chains = KnownChains(read, OWN_PARTS)
        self._ours = handle

    def install(self) -> None:
        """Answer requests in few hops from now on."""
        ASGIHandler.handle = self._ours

    def remove(self) -> None:
        """Put Django's back."""
        if vars(ASGIHandler)["handle"] is self._ours:
            ASGIHandler.handle = self._original
