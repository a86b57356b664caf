"""The seam in Django: ASGIHandler.handle, which answers one request; see `request`."""

from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.utils.deprecation import MiddlewareMixin

from casgi.django.chain import read_whole_chain
from casgi.django.request import Request, has_known_parts


class Requests:
    """Our `handle` in the place of Django's, from `install` to `remove`."""

    def __init__(self) -> None:
        self._original = original = vars(ASGIHandler)["handle"]

        async def handle(self: Any, scope: Any, receive: Any, send: Any) -> None:
            chain = None
            if has_known_parts(self):
                chain = read_whole_chain(self, vars(MiddlewareMixin)["__acall__"])
            if chain is None:
                await original(self, scope, receive, send)
            else:
                await Request(self, chain, scope).answer(receive, send)

        self._ours = handle

    def install(self) -> None:
        """Answer requests in few hops from now on."""
        ASGIHandler.handle = self._ours

    def remove(self) -> None:
        """Put Django's back."""
        if vars(ASGIHandler)["handle"] is self._ours:
            ASGIHandler.handle = self._original
