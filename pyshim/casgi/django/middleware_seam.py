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

from casgi.django.chain import has_sync_parts, read_chain
from casgi.django.chain_facts import KnownChains
from casgi.django.passage import Passage
from casgi.django.sync_front import ChainsBehind


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
        self._crossing = _Crossing()

    def install(self) -> None:
        """Run plain middleware in few hops from now on."""
        MiddlewareMixin.__acall__ = self._ours
        self._crossing.install()

    def remove(self) -> None:
        """Put back what was there."""
        self._crossing.remove()
        if vars(MiddlewareMixin)["__acall__"] is self._ours:
            MiddlewareMixin.__acall__ = self._original


class _Crossing:
    """Our way from sync middleware to the async chain behind it."""

    def __init__(self) -> None:
        self._original = original = vars(AsyncToSync)["__call__"]
        chains = ChainsBehind()

        def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
            if len(args) == 1 and not kwargs and not self.force_new_loop:
                passing = chains.passing(self.awaitable)
                if passing is not None:
                    return passing(args[0])
            return original(self, *args, **kwargs)

        self._ours: Any = __call__

    def install(self) -> None:
        AsyncToSync.__call__ = self._ours  # type: ignore[method-assign]

    def remove(self) -> None:
        if vars(AsyncToSync)["__call__"] is self._ours:
            AsyncToSync.__call__ = self._original  # type: ignore[method-assign]
