"""The seam in Django: MiddlewareMixin.__acall__, which runs a middleware in async mode.

Ours runs what follows the middleware as well, as far as that is plain: see `chain` and `passage`.
A middleware with async code of its own, or a sync one, is awaited where it stands in the chain, as
ever; the plain ones behind it are a chain of their own.
"""

from typing import Any

from django.utils.deprecation import MiddlewareMixin

from casgi.django.chain import has_sync_parts, read_chain
from casgi.django.chain_facts import KnownChains
from casgi.django.passage import Passage


class PlainMiddleware:
    """Our `__acall__` in the place of Django's, from `install` to `remove`."""

    def __init__(self) -> None:
        self._original = original = vars(MiddlewareMixin)["__acall__"]

        async def __acall__(self: Any, request: Any) -> Any:  # noqa: N807
            chain = chains.of(self)
            if chain is None:
                return await original(self, request)
            return await Passage(chain, request).go()

        chains = KnownChains(
            lambda first: read_chain(first, __acall__) if has_sync_parts(first) else None
        )
        self._ours = __acall__

    def install(self) -> None:
        """Run plain middleware in few hops from now on."""
        MiddlewareMixin.__acall__ = self._ours

    def remove(self) -> None:
        """Put Django's back."""
        if vars(MiddlewareMixin)["__acall__"] is self._ours:
            MiddlewareMixin.__acall__ = self._original
