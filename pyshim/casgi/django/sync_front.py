"""Sync middleware in front of a chain: a call in the request's thread, and what it calls there.

Django builds all that stands before a middleware that is only sync for the thread, and lets it go
on by async_to_sync(): the thread then waits for the event loop, which asks the thread for each part
of the chain behind. Here the sync middleware is called as Django does; when it goes on, the chain
behind is passed in the same thread, as far as that is for the thread.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from django.utils.deprecation import MiddlewareMixin

from casgi.django.chain import Chain, read_wrapped_chain
from casgi.django.chain_facts import KnownChains
from casgi.django.hop import ShortHops, hop
from casgi.django.passage import Passage

_here = threading.local()


class SyncFront:
    """A request on its way through sync middleware.

    Attributes:
        request: None until it was made.
        response: that of the outermost middleware.

    """

    def __init__(
        self,
        front: Callable[[Any], Any],
        begin: Callable[[], Any],
        end: Callable[[Any, Any], object],
    ) -> None:
        """Take the outermost middleware, and what makes and ends the request around it."""
        self._front = front
        self._end = end
        self._begin: Callable[[], Any] | None = begin
        self._behind: Passage | None = None
        self.response: Any = None
        self.request: Any = None

    async def go(self) -> Any:
        """Return the response of the first middleware."""
        try:
            await hop(self.enter)
        except asyncio.CancelledError:
            self.leave()
            raise
        return self.response

    async def go_on(self, error: BaseException | None) -> Any:
        """Do what `go` does behind `enter`, which may have raised an error."""
        if error is not None:
            try:
                raise error
            finally:
                del error
        return self.response

    def leave(self) -> None:
        """Let nothing be called any more of what is behind."""
        # asgiref, from 3.8 on, cancels what async_to_sync() runs then. Sync middleware goes on.
        if self._behind is not None and ShortHops.are_installed:
            self._behind.leave()

    def enter(self) -> object:
        """Call the sync middleware, in the thread."""
        begin, self._begin = self._begin, None  # which refers to us, mostly
        assert begin is not None
        self.request = begin()
        outer = getattr(_here, "front", None)
        _here.front = self
        try:
            self.response = self._front(self.request)
        finally:
            _here.front = outer
        return self._end(self.request, self.response)

    def pass_behind(self, chain: Chain, request: Any) -> Any:
        """Return the response of a chain that sync middleware goes on with, in the thread."""
        outer, self._behind = self._behind, Passage(chain, request)
        try:
            return self._behind.go_here()
        finally:
            self._behind = outer


def passage_of(
    chain: Chain, begin: Callable[[], Any], end: Callable[[Any, Any], object]
) -> Passage | SyncFront:
    """Return the way of a request through a chain, which begins in the thread, and may end there.

    `end` is called in the thread with request and response when these have passed all of it there.
    """
    if chain.sync_front is not None:
        return SyncFront(chain.sync_front, begin, end)
    return Passage(chain, None, begin, end)


class ChainsBehind:
    """Finds the chain behind sync middleware, where that is called by a SyncFront."""

    def __init__(self) -> None:
        self._chains = KnownChains(
            lambda wrapper: read_wrapped_chain(wrapper, vars(MiddlewareMixin)["__acall__"])
        )

    def passing(self, awaitable: Any) -> Callable[[Any], Any] | None:
        """Return what takes a request through the chain in this thread; None as async_to_sync()."""
        front: SyncFront | None = getattr(_here, "front", None)
        if front is None or asyncio._get_running_loop() is not None:
            return None
        chain = self._chains.of(awaitable)
        return None if chain is None else lambda request: front.pass_behind(chain, request)
