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
from casgi.django.code_watch import CodeWatch
from casgi.django.passage import Passage
from casgi.django.releases import MIDDLEWARE
from casgi.django.sync_front import ChainsBehind
from casgi.origin import StandIn


class PlainMiddleware:
    """Our `__acall__` in the place of Django's, from `install` to `remove`."""

    def __init__(self) -> None:
        self._code = code = CodeWatch("middleware is run by Django")

        async def __acall__(self: Any, request: Any) -> Any:  # noqa: N807
            chain = chains.of(self) if code.holds() else None
            if chain is None:
                return await running.original(self, request)
            return await Passage(chain, request).go()

        chains = KnownChains(
            lambda first: read_chain(first, __acall__) if has_sync_parts(first) else None
        )
        self._running = running = StandIn(MiddlewareMixin, "__acall__", __acall__)
        self._crossing = _crossing(code)

    def install(self) -> None:
        """Run plain middleware in few hops from now on."""
        self._running.install()
        # These take their time once, and not at the first request.
        url_trees.is_code_own()
        known_packages.look()
        self._crossing.install()
        self._code.begin(MIDDLEWARE)

    def remove(self) -> None:
        """Put back what was there."""
        self._crossing.remove()
        self._running.remove()


def _crossing(code: CodeWatch) -> StandIn:
    """Return our way from sync middleware to the async chain behind it."""
    chains = ChainsBehind()

    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
        if len(args) == 1 and not kwargs and not self.force_new_loop and code.holds():
            passing = chains.passing(self.awaitable)
            if passing is not None:
                return passing(args[0])
        return crossing.original(self, *args, **kwargs)

    crossing = StandIn(AsyncToSync, "__call__", __call__)
    return crossing
