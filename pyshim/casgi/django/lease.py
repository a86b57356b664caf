"""The executor of one ThreadSensitiveContext: a thread of the pool, from its first call to its end.

asgiref makes a ThreadPoolExecutor of one thread for that, starts the thread, and joins it by
another one. What a thread keeps must end with the context all the same: see `thread_pool`.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from casgi.django.loop_call import LoopCall, TripCall
from casgi.django.thread_pool import ThreadPool
from casgi.django.waits import watch_wait
from casgi.django.work import Call, FutureCall, Work


class Lease(Executor):
    """Runs calls in one thread, which is taken from the pool with the first of them."""

    def __init__(self, pool: ThreadPool) -> None:
        self._pool = pool
        self._work = Work()
        self._has_asked = False

    def __del__(self) -> None:
        # A context that was never left: asgiref's executor ends its thread too, when it is dropped.
        self._work.close()

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Queue a call, as Executor.submit()."""
        call = FutureCall(function, args, kwargs)
        self._submit(call)
        return call.future

    def submit_from_loop(
        self, loop: asyncio.AbstractEventLoop, function: Callable[..., Any], args: tuple[Any, ...]
    ) -> asyncio.Future[Any]:
        """Queue a call; its outcome goes to the future of the loop that is returned."""
        call = LoopCall(loop, function, args)
        self._submit(call)
        future: asyncio.Future[Any] = call.future
        return future

    def call_from_task(
        self, loop: asyncio.AbstractEventLoop, function: Callable[..., Any], args: tuple[Any, ...]
    ) -> TripCall:
        """Queue a call for which a task of the event loop waits."""
        call = TripCall(loop, function, args)
        self._submit(call)
        return call

    def share(self) -> None:
        """Keep the thread until the end, whatever a call says of being the last."""
        self._work.is_shared = True

    def is_unused(self) -> bool:
        """Whether no call was submitted yet, and none but this context's will be."""
        return not self._has_asked and not self._work.is_shared

    def waits(self) -> bool:
        """Whether there is no thread yet, since there are as many as there may be."""
        return self._pool.waits(self._work)

    def _submit(self, call: Call) -> None:
        if not self._work.submit(call):
            # Somebody calls who does not know that the request is over.
            self._work, self._has_asked = Work(), False
            self._work.submit(call)
        if not self._has_asked:
            try:
                has_thread = self._pool.provide_for(self._work)
            except RuntimeError:
                self._work = Work(self._work.is_shared)  # Nobody will make the call.
                raise
            self._has_asked = True
            if not has_thread:
                watch_wait(self._pool, self._work)

    async def end(self) -> None:
        """Take no more calls, and wait until those that were submitted are over."""
        if self._work.is_over:
            return
        end = self._work.close()
        if end is None:
            self._pool.take_back(self._work)
            return
        if self._pool.waits(self._work):
            await asyncio.sleep(0)  # A foreign loop's calls learn by then that they are cancelled.
        if not self._pool.drop(self._work):
            # No thread is blocked, and no loop: a call may be waiting for it.
            await asyncio.wrap_future(end)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End from a thread that may block, as Executor.shutdown()."""
        if cancel_futures:
            self._work.cancel()
        end = self._work.close()
        if end is None:
            self._pool.take_back(self._work)
        elif wait:
            end.result()
