"""The seam in asgiref: a ThreadSensitiveContext has a leased thread instead of one of its own.

`__aenter__` is asgiref's, after which the context's executor is already there, so that asgiref
makes none; `__aexit__` does what asgiref's does, and ends the lease instead of joining a thread.
Where somebody has given asgiref another class of executors, it makes one of these.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref import sync
from asgiref.sync import SyncToAsync, ThreadSensitiveContext

from casgi.django.lease import Lease
from casgi.django.thread_pool import ThreadPool

_METHODS = ("__aenter__", "__aexit__")


class LeasingContexts:
    """Our two methods in the place of asgiref's, from `install` to `remove`."""

    def __init__(self, pool: ThreadPool) -> None:
        self._originals = {name: vars(ThreadSensitiveContext)[name] for name in _METHODS}
        self._ours = dict(zip(_METHODS, _methods(pool, *self._originals.values()), strict=True))

    def install(self) -> None:
        """Lease threads for the contexts that are entered from now on."""
        for name, method in self._ours.items():
            setattr(ThreadSensitiveContext, name, method)

    def remove(self) -> None:
        """Put asgiref's back; contexts that are open now end with its `__aexit__`."""
        for name, method in self._ours.items():
            if vars(ThreadSensitiveContext)[name] is method:
                setattr(ThreadSensitiveContext, name, self._originals[name])


def _methods(pool: ThreadPool, enter: Any, leave: Any) -> tuple[Any, Any]:
    executors = SyncToAsync.context_to_thread_executor

    async def __aenter__(self: Any) -> Any:  # noqa: N807
        had_token = self.token
        entered = await enter(self)
        if self.token is not had_token:
            # One that was given its executor keeps it.
            if vars(sync)["ThreadPoolExecutor"] is ThreadPoolExecutor:
                executors.setdefault(self, Lease(pool))
        else:
            outer: Any = executors.get(SyncToAsync.thread_sensitive_context.get())
            if type(outer) is Lease:
                outer.share()
        return entered

    async def __aexit__(self: Any, exc: Any, value: Any, tb: Any) -> None:  # noqa: N807
        lease: Any = executors.get(self)
        is_ours = type(lease) is Lease and self.token
        if is_ours:
            del executors[self]
        await leave(self, exc, value, tb)
        if is_ours:
            await lease.end()

    return __aenter__, __aexit__
