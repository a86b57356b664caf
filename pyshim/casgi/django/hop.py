"""A trip to the request's thread: what `sync_to_async()` does there and after it, on a short way.

The executor is the one that SyncToAsync would choose, the call goes through its thread_handler(),
which tools replace, and context variables go there and come back by asgiref's own function. Left
out are a second and a third future. Where the thread is not leased, or asgiref is not of a code
that was read, it is `sync_to_async()` itself.
"""

import asyncio
import contextvars
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from asgiref import sync
from asgiref.sync import AsyncToSync, SyncToAsync, sync_to_async

from casgi.django.lease import Lease
from casgi.django.loop_call import LoopCall

_CALL = vars(SyncToAsync)["__call__"]
_restore_context: Callable[[contextvars.Context], None] = vars(sync)["_restore_context"]
# From 3.12 on, storages of `Local` belong to a thread, and are moved to it.
_MOVES_STORAGES = hasattr(sync, "_rehome")


def _call(function: Callable[[], object]) -> None:
    function()


# One for all: making one for each call is a part of what a hop costs.
_in_thread: Any = sync_to_async(_call, thread_sensitive=True)


class ShortHops:
    """Has hops take the short way, from `install` to `remove`."""

    are_installed = False

    def install(self) -> None:
        """Take it from now on: asgiref's code is what was read."""
        ShortHops.are_installed = True

    def remove(self) -> None:
        """Call `sync_to_async()` again."""
        ShortHops.are_installed = False


async def hop(function: Callable[[], object]) -> None:
    """Call a function in the thread for synchronous code.

    One that returns LAST has the thread go to others as soon as it is over.
    """
    is_short = ShortHops.are_installed and vars(SyncToAsync)["__call__"] is _CALL
    lease = _lease() if is_short else None
    if lease is None:
        await _in_thread(function)
        return
    loop = asyncio.get_running_loop()
    context = contextvars.copy_context()
    task_context: list[asyncio.Task[Any]] = []
    run = partial(_run_with_storages, context) if _MOVES_STORAGES else context.run
    arguments = (loop, sys.exc_info(), task_context, run, function)
    call = lease.call_from_loop(loop, _in_thread.thread_handler, arguments)
    try:
        await call.future
    except asyncio.CancelledError:
        if not task_context:
            raise
        await _cancel(call, task_context)
    finally:
        _restore_context(context)
        SyncToAsync.deadlock_context.set(False)


def waits_for_thread() -> bool:
    """Whether calls of this request are queued until another one gives its thread back."""
    lease = _lease()
    return lease is not None and lease.waits()


def _lease() -> Lease | None:
    """Return the executor that SyncToAsync would choose now, if it is ours."""
    if getattr(AsyncToSync.executors, "current", None):
        return None
    context = SyncToAsync.thread_sensitive_context.get(None)
    if context is None:
        return None
    executor: Any = SyncToAsync.context_to_thread_executor.get(context)
    return executor if type(executor) is Lease else None


def _run_with_storages(context: contextvars.Context, function: Callable[[], object]) -> object:
    return context.run(_call_with_storages, context, function)


def _call_with_storages(context: contextvars.Context, function: Callable[[], object]) -> object:
    _restore_context(context)
    return function()


async def _cancel(call: LoopCall, task_context: list[asyncio.Task[Any]]) -> None:
    """Do what SyncToAsync does when it is cancelled while async code runs within the call."""
    outcome = call.renew()
    is_cancelled = False
    task = task_context[0]
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        is_cancelled = True
    if outcome.done():
        raise asyncio.CancelledError
    if is_cancelled:
        outcome.cancel()
    await outcome
