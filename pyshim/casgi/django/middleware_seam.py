"""The seams for middleware, in Django and asgiref.

MiddlewareMixin.__acall__ runs a middleware in async mode. Ours runs what follows the middleware as
well, as far as that is plain: see `chain` and `passage`. A middleware with async code of its own
is awaited where it stands in the chain, as ever; the plain ones behind it are a chain of their own.

AsyncToSync.__call__ is how sync middleware in front goes on. Ours passes the chain behind in the
same thread, where it is called for that and for nothing else: see `sync_front`.
"""

from typing import Any

from asgiref.sync import AsyncToSync
from django.utils.deprecation import MiddlewareMixin

from casgi.django import known_packages, url_trees
from casgi.django.chain import has_sync_parts, read_chain
from casgi.django.chain_facts import KnownChains
from casgi.django.passage import Passage
from casgi.django.sync_front import ChainsBehind
from casgi.origin import StandIn


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
        self._crossing = _crossing()

    def install(self) -> None:
        """Run plain middleware in few hops from now on."""
        MiddlewareMixin.__acall__ = self._ours
        # These take their time once, and not at the first request.
        url_trees.is_code_own()
        known_packages.look()
        self._crossing.install()

    def remove(self) -> None:
        """Put back what was there."""
        self._crossing.remove()
        if vars(MiddlewareMixin)["__acall__"] is self._ours:
            MiddlewareMixin.__acall__ = self._original


def _crossing() -> StandIn:
    """Return our way from sync middleware to the async chain behind it."""
    chains = ChainsBehind()

    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
        if len(args) == 1 and not kwargs and not self.force_new_loop:
            passing = chains.passing(self.awaitable)
            if passing is not None:
                return passing(args[0])
        return crossing.original(self, *args, **kwargs)

    crossing = StandIn(AsyncToSync, "__call__", __call__)
    return crossing
