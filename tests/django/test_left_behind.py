"""What code leaves in its thread does not meet the next context that gets the thread."""

from __future__ import annotations

import _threading_local
import asyncio
import contextvars
import decimal
import gc
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.local import Local
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.utils import translation

from casgi.django.thread_pool import ThreadPool

_local = threading.local()
_pure_local = _threading_local.local()
_asgiref_local = Local(thread_critical=True)
_variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="")


def _trace(frame: Any, event: str, argument: Any) -> None:
    return None


def _translation() -> str:
    return translation.get_language()


def _set_loop() -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.close()


def _loop_is_set() -> bool:
    policy: Any = asyncio.get_event_loop_policy()
    return getattr(policy._local, "_loop", None) is not None


LEFT: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
    "threading.local": (
        lambda: setattr(_local, "request", "theirs"),
        lambda: getattr(_local, "request", None),
    ),
    "_threading_local.local": (
        lambda: setattr(_pure_local, "request", "theirs"),
        lambda: getattr(_pure_local, "request", None),
    ),
    "asgiref.local.Local": (
        lambda: setattr(_asgiref_local, "request", "theirs"),
        lambda: getattr(_asgiref_local, "request", None),
    ),
    "attribute of the thread": (
        lambda: setattr(threading.current_thread(), "request", "theirs"),
        lambda: getattr(threading.current_thread(), "request", None),
    ),
    "name of the thread": (
        lambda: setattr(threading.current_thread(), "name", "theirs"),
        lambda: threading.current_thread().name == "theirs",
    ),
    "trace function": (
        lambda: sys.settrace(_trace),
        lambda: sys.gettrace() is _trace,
    ),
    "profile function": (
        lambda: sys.setprofile(_trace),
        lambda: sys.getprofile() is _trace,
    ),
    "context variable": (lambda: _variable.set("theirs"), _variable.get),
    "decimal context": (
        lambda: setattr(decimal.getcontext(), "prec", 5),
        lambda: decimal.getcontext().prec,
    ),
    "language": (lambda: translation.activate("de"), _translation),
    "event loop": (_set_loop, _loop_is_set),
}


async def _in_a_context(*functions: Callable[[], object]) -> list[object]:
    async with ThreadSensitiveContext():
        calls = [await sync_to_async(function)() for function in functions]
    return calls


async def _in_a_task(*functions: Callable[[], object]) -> list[object]:
    """As a server: the context of one request is not that of the next."""
    task = asyncio.create_task(_in_a_context(*functions), context=contextvars.Context())
    return await task


@pytest.mark.parametrize("kind", LEFT)
async def test_left_behind(pool: ThreadPool, kind: str) -> None:
    leave, look = LEFT[kind]
    first_thread, before = await _in_a_task(threading.get_ident, look)
    thread, _, left = await _in_a_task(threading.get_ident, leave, look)
    assert left != before, "it is there within the context"
    assert thread == first_thread, "the thread was leased again"
    assert await _in_a_task(threading.get_ident, look) == [thread, before]


class _Kept:
    pass


async def test_it_ends_with_the_context(pool: ThreadPool) -> None:
    """And not when somebody else gets the thread."""
    ended = threading.Event()

    def leave() -> None:
        _local.kept = _Kept()
        weakref.finalize(_local.kept, ended.set)

    await _in_a_task(leave)
    assert await asyncio.to_thread(ended.wait, 10)


async def test_thread_object(pool: ThreadPool) -> None:
    """It is alive and listed during the context, and over afterwards, as one that was joined."""

    def look() -> tuple[threading.Thread, bool, bool, bool]:
        thread = threading.current_thread()
        thread.note = "mine"  # type: ignore[attr-defined]
        is_listed = thread in threading.enumerate()
        return thread, thread.is_alive(), thread.daemon, is_listed

    async with ThreadSensitiveContext():
        first = await sync_to_async(look)()
        again = await sync_to_async(look)()
        assert first == again == (first[0], True, False, True)
        assert "started" in repr(first[0])
    await asyncio.to_thread(first[0].join, 10)
    assert not first[0].is_alive()
    assert "stopped" in repr(first[0])
    assert first[0] not in threading.enumerate()
    [[other, *_]] = await _in_a_task(look)
    assert other.name != first[0].name


async def test_threads_that_a_view_starts_are_no_daemons(pool: ThreadPool) -> None:
    """The process waits for them, as without leases."""
    [is_daemon] = await _in_a_task(lambda: threading.Thread().daemon)
    assert is_daemon is False


async def test_threads_are_traced_when_threads_are(pool: ThreadPool) -> None:
    """Coverage and debuggers set it for all threads that begin."""
    before = threading.gettrace(), threading.getprofile()
    threading.settrace(_trace)
    threading.setprofile(_trace)
    try:
        traced = await _in_a_task(lambda: (sys.gettrace() is _trace, sys.getprofile() is _trace))
    finally:
        threading.settrace(before[0])  # type: ignore[arg-type]
        threading.setprofile(before[1])
    assert traced == [(True, True)]
    assert await _in_a_task(lambda: sys.getprofile() is _trace) == [False]


async def test_nothing_of_a_call_is_kept(pool: ThreadPool) -> None:
    """Neither arguments nor results, while the thread waits for the next call or lease."""
    kept = _Kept()
    alive = weakref.ref(kept)
    async with ThreadSensitiveContext():
        assert await sync_to_async(lambda one: one)(kept) is kept
        await sync_to_async(int)()
        del kept
        gc.collect()
        assert alive() is None
