"""A trip to a thread for synchronous code: what `sync_to_async()` does there and after it, shortly.

The executor is the one that SyncToAsync would choose, the call goes through its thread_handler(),
which tools replace, and context variables go there and come back by asgiref's own function. Left
out are a second and a third future. Where the thread is another one than those that are known here,
or asgiref is not of a code that was read, it is asgiref's own way.
"""

import asyncio
import contextvars
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import FunctionType, SimpleNamespace
from typing import Any, TypeAlias
from weakref import WeakSet

from asgiref import sync
from asgiref.sync import AsyncToSync, SyncToAsync, sync_to_async

from casgi.django.executor_queue import ExecutorQueue
from casgi.django.lease import Lease
from casgi.django.local_storage import variable_of
from casgi.django.loop_call import TripCall
from casgi.django.scheduling import preempt_nobody
from casgi.loop import EventLoop
from casgi.origin import StandIn, Watch, original_of

_CALL = original_of(vars(SyncToAsync)["__call__"])
# From 3.12 on, storages of `Local` belong to a thread, and are moved to it.
_MOVES_STORAGES = hasattr(sync, "_rehome")
# asyncio's, and that of casgi's own loop, which calls it.
_OF_ASYNCIO = asyncio.BaseEventLoop.run_in_executor
_RUN_IN_EXECUTOR = (_OF_ASYNCIO, EventLoop.run_in_executor)
# What is done in their places is what they do as long as they have this code, wherever they are.
_READ = SimpleNamespace(call=_CALL, run_in_executor=_OF_ASYNCIO)
_read = Watch((_READ, name) for name in vars(_READ))


_EXECUTORS = AsyncToSync.executors
_EXECUTORS_VARIABLE = variable_of(_EXECUTORS)

_queue = ExecutorQueue()
# Executors of one thread each.
_scheduled: WeakSet[ThreadPoolExecutor] = WeakSet()

_Executor: TypeAlias = Lease | ThreadPoolExecutor


def _call(function: Callable[[], object]) -> None:
    function()


# One for all: making one for each call is a part of what a hop costs.
_in_thread: Any = sync_to_async(_call, thread_sensitive=True)


class ShortHops:
    """Has hops and `sync_to_async()` take the short way, from `install` to `remove`."""

    are_installed = False

    def __init__(self) -> None:
        self._calls = _short_calls()

    def install(self) -> None:
        """Take it from now on: asgiref's code is what was read."""
        ShortHops.are_installed = True
        self._calls.install()

    def remove(self) -> None:
        """Take asgiref's again."""
        self._calls.remove()
        ShortHops.are_installed = False


def _short_calls() -> StandIn:
    """Return what stands in for SyncToAsync.__call__."""

    async def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
        __traceback_hide__ = True
        executor = _executor_of(self)
        if executor is None:
            return await calls.original(self, *args, **kwargs)
        own_context = vars(self).get("context")
        trip = Trip(self, executor, own_context, partial(self.func, *args, **kwargs))
        try:
            return await trip.call.future
        except asyncio.CancelledError:
            if not trip.task_context:
                raise
            return await trip.cancel()
        finally:
            trip.end(own_context)

    calls = StandIn(SyncToAsync, "__call__", __call__)
    return calls


async def hop(function: Callable[[], object]) -> None:
    """Call a function in the thread for synchronous code.

    One that returns LAST has the thread go to others as soon as it is over.
    """
    trip = begin_trip(function, None)
    if trip is None:
        await _in_thread(function)
        return
    try:
        await trip.call.future
    except asyncio.CancelledError:
        if not trip.task_context:
            raise
        await trip.cancel()
    finally:
        trip.end(None)


def begin_trip(
    function: Callable[[], object], context: contextvars.Context | None
) -> "Trip | None":
    """Begin to call a function in the thread for synchronous code, if that can be done shortly.

    Args:
        function: it may return LAST, as in `hop`.
        context: what it runs in; None: a copy of the caller's.

    """
    is_short = ShortHops.are_installed and original_of(vars(SyncToAsync)["__call__"]) is _CALL
    lease = _lease() if is_short and _is_unwatched(asyncio.get_running_loop()) else None
    return None if lease is None else Trip(_in_thread, lease, context, function)


class Trip:
    """One call in a thread, of a SyncToAsync.

    Attributes:
        call: its future is to be awaited.
        task_context: the task that async code within the call runs in, if any.

    """

    __slots__ = ("_caller", "_context", "call", "task_context")

    def __init__(
        self,
        caller: Any,
        executor: _Executor,
        context: contextvars.Context | None,
        function: Callable[[], object],
    ) -> None:
        """Begin it."""
        loop = asyncio.get_running_loop()
        self._caller = caller
        self._context = context = contextvars.copy_context() if context is None else context
        self.task_context: list[asyncio.Task[Any]] = []
        run = partial(_run_with_storages, context) if _MOVES_STORAGES else context.run
        arguments = (loop, sys.exc_info(), self.task_context, run, function)
        if isinstance(executor, Lease):
            self.call = executor.call_from_task(loop, caller.thread_handler, arguments)
        else:
            self.call = TripCall(loop, caller.thread_handler, arguments)
            if not _queue.put(executor, self.call):
                self.call.submit_to(executor)

    def end(self, own_context: contextvars.Context | None) -> None:
        """Take over what it has done to context variables, unless in a context given to it."""
        if own_context is None:
            _restore_context(self._context)
        self._caller.deadlock_context.set(False)

    async def cancel(self) -> Any:
        """Do what SyncToAsync does when it is cancelled while async code runs within the call."""
        outcome = self.call.renew()
        is_cancelled = False
        task = self.task_context[0]
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            is_cancelled = True
        if outcome.done():
            raise asyncio.CancelledError
        if is_cancelled:
            outcome.cancel()
        return await outcome


def arrive_in(context: contextvars.Context) -> None:
    """Have the variables of a trip's context, and its `Local` objects' data for this thread."""
    _restore_context(context)


def _executor_of(caller: Any) -> _Executor | None:
    """Return the executor that SyncToAsync would choose now; None if that is not known here."""
    if not caller._thread_sensitive or _is_within_async_to_sync():
        return None
    loop = asyncio.get_running_loop()
    if not _is_unwatched(loop):
        return None
    if caller.thread_sensitive_context.get(None) is not None:
        return _lease()
    if loop in AsyncToSync.loop_thread_executors or caller.deadlock_context.get(False):
        return None
    executor: Any = caller.single_thread_executor
    if type(executor) is not ThreadPoolExecutor or not _runs_as_asyncio(loop):
        return None
    if executor not in _scheduled:
        _scheduled.add(executor)
        executor.submit(preempt_nobody)
    caller.deadlock_context.set(True)
    return executor


def _is_unwatched(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether nobody looks at what is run in executors: tools in Python, asyncio's debug mode."""
    own: Any = getattr(type(loop), "run_in_executor", None)
    return (
        (own in _RUN_IN_EXECUTOR or type(own) is not FunctionType)
        and asyncio.BaseEventLoop.run_in_executor is _OF_ASYNCIO
        and _read.holds()
        and "run_in_executor" not in getattr(loop, "__dict__", ())
        and not loop.get_debug()
    )


def _runs_as_asyncio(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether the loop would submit a call to the executor, and do no more."""
    return type(loop).run_in_executor in _RUN_IN_EXECUTOR


def waits_for_thread() -> bool:
    """Whether calls of this request are queued until another one gives its thread back."""
    lease = _lease()
    return lease is not None and lease.waits()


def has_no_thread() -> bool:
    """Whether this request has made no call in a thread yet, and its next is the first in one."""
    lease = _lease()
    return lease is not None and lease.is_unused()


def _is_within_async_to_sync() -> bool:
    """Whether a thread waits by async_to_sync(), in which the calls are made."""
    executors: Any = AsyncToSync.executors
    variable = _EXECUTORS_VARIABLE if executors is _EXECUTORS else None
    if variable is not None and variable.get(None) is None:
        return False
    return bool(getattr(executors, "current", None))


def _lease() -> Lease | None:
    """Return the executor that SyncToAsync would choose now, if it is ours."""
    if _is_within_async_to_sync():
        return None
    context = SyncToAsync.thread_sensitive_context.get(None)
    if context is None:
        return None
    executor: Any = SyncToAsync.context_to_thread_executor.get(context)
    return executor if type(executor) is Lease else None


def _restore_context(context: contextvars.Context) -> None:
    of_asgiref: Any = sync  # under its name, where somebody may put another
    of_asgiref._restore_context(context)


def _run_with_storages(context: contextvars.Context, function: Callable[[], object]) -> object:
    return context.run(_call_with_storages, context, function)


def _call_with_storages(context: contextvars.Context, function: Callable[[], object]) -> object:
    _restore_context(context)
    return function()
