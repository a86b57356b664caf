"""When a context gets a thread of the pool, and when it gives it back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.sync import SyncToAsync, ThreadSensitiveContext, async_to_sync, sync_to_async

from casgi.django import thread_pool
from casgi.django.lease import Lease
from casgi.django.releases import unsupported_reason
from casgi.django.thread_context import LeasingContexts
from casgi.django.thread_pool import ThreadPool
from casgi.django.work import LAST


async def _ident() -> int:
    return await sync_to_async(threading.get_ident)()


async def _idle_count(pool: ThreadPool, count: int) -> None:
    """Wait until so many threads are idle."""
    async with asyncio.timeout(10):
        while len(pool._idle) != count:
            await asyncio.sleep(0.005)


async def test_one_thread_for_all_of_a_context(pool: ThreadPool) -> None:
    async with ThreadSensitiveContext():
        assert len({await _ident() for _ in range(5)}) == 1
        async with ThreadSensitiveContext():
            inner = await _ident()
        assert inner == await _ident(), "an inner context is the outer one"


async def test_the_last_that_became_idle_is_the_first_to_be_leased(pool: ThreadPool) -> None:
    async with asyncio.TaskGroup() as group:
        entered = asyncio.Barrier(3)
        left = [asyncio.Event() for _ in range(3)]

        async def lease(number: int) -> int:
            async with ThreadSensitiveContext():
                ident = await _ident()
                await entered.wait()
                await left[number].wait()
            return ident

        leases = [group.create_task(lease(number)) for number in range(3)]
        for number in (1, 0, 2):
            left[number].set()
            await asyncio.wait([leases[number]])
            await _idle_count(pool, 1 + (1, 0, 2).index(number))
    idents = [lease.result() for lease in leases]
    assert len(set(idents)) == 3
    async with ThreadSensitiveContext():
        assert await _ident() == idents[2]


class Own(ThreadPoolExecutor):
    """What somebody has asgiref make, for names or hooks of its own."""

    made = 0

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        Own.made += 1


async def test_executors_of_another_class(
    pool: ThreadPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asgiref.sync.ThreadPoolExecutor", Own)
    monkeypatch.setattr(Own, "made", 0)
    async with ThreadSensitiveContext():
        await _ident()
    assert Own.made == 1
    assert not pool._idle and not pool._leased


def test_executors_of_another_class_before_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    assert unsupported_reason() is None
    monkeypatch.setattr("asgiref.sync.ThreadPoolExecutor", Own)
    assert "asgiref.sync.ThreadPoolExecutor was replaced" in str(unsupported_reason())


async def test_no_thread_without_a_call(pool: ThreadPool) -> None:
    async with ThreadSensitiveContext():
        pass
    assert not pool._idle and not pool._leased


async def test_exit_waits_for_what_runs(pool: ThreadPool) -> None:
    """A call that nobody awaits any more still has its thread to itself."""
    goes_on = threading.Event()
    ended: list[str] = []

    def slow() -> None:
        goes_on.wait(10)
        ended.append("slow")

    async def leave() -> None:
        async with ThreadSensitiveContext() as context:
            await _ident()
            executor: Any = SyncToAsync.context_to_thread_executor[context]
            executor.submit(slow)
            executor.submit(ended.append, "queued").cancel()
            executor.submit(ended.append, "behind")

    leaving = asyncio.create_task(leave())
    await asyncio.sleep(0.05)
    assert not leaving.done(), "the loop turns meanwhile"
    goes_on.set()
    await leaving
    assert ended == ["slow", "behind"]


async def test_context_that_is_cancelled_while_it_waits(pool: ThreadPool) -> None:
    """Its thread is nobody else's until the call has returned."""
    goes_on, began = threading.Event(), threading.Event()

    def slow() -> int:
        began.set()
        goes_on.wait(10)
        return threading.get_ident()

    async def leave() -> None:
        async with ThreadSensitiveContext() as context:
            await _ident()
            executor: Any = SyncToAsync.context_to_thread_executor[context]
            slow_calls.append(executor.submit(slow))

    slow_calls: list[Any] = []
    leaving = asyncio.create_task(leave())
    await asyncio.to_thread(began.wait, 10)
    await asyncio.sleep(0)  # It waits in the context's end: submit() was the last of its body.
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    async with ThreadSensitiveContext():
        other = await _ident()
    goes_on.set()
    assert other != await asyncio.wrap_future(slow_calls[0])


async def test_cancelled_view_keeps_its_thread(pool: ThreadPool) -> None:
    """Django cancels a view whose client has left; a sync one cannot be stopped."""
    goes_on, began = threading.Event(), threading.Event()
    seen: list[str] = []

    def view() -> None:
        began.set()
        goes_on.wait(10)
        seen.append("view")

    async def request() -> None:
        async with ThreadSensitiveContext():
            try:
                await sync_to_async(view)()
            finally:
                seen.append("left")

    task = asyncio.create_task(request())
    await asyncio.to_thread(began.wait, 10)
    task.cancel()
    async with asyncio.timeout(30):
        while not seen:
            await asyncio.sleep(0)
    assert seen == ["left"]
    assert not task.done()
    assert not pool._idle
    goes_on.set()
    await asyncio.wait([task])
    assert seen == ["left", "view"]
    await _idle_count(pool, 1)


async def test_task_that_outlives_its_context(pool: ThreadPool) -> None:
    """It gets a thread of asgiref's, as ever, and never one that others have now."""
    left = asyncio.Event()

    async def later() -> int:
        await left.wait()
        return await _ident()

    async with ThreadSensitiveContext():
        first = await _ident()
        task = asyncio.create_task(later())
    await _idle_count(pool, 1)
    left.set()
    async with ThreadSensitiveContext():
        second = await _ident()
        outlived = await task
    assert first == second != outlived


async def test_context_that_is_never_left(pool: ThreadPool) -> None:
    context: Any = ThreadSensitiveContext()
    await context.__aenter__()
    await _ident()
    SyncToAsync.thread_sensitive_context.reset(context.token)
    del context
    await _idle_count(pool, 1)


async def test_async_code_within(pool: ThreadPool) -> None:
    """`async_to_sync` in the thread runs on the loop, and its sync parts in the same thread."""
    loop = asyncio.get_running_loop()

    async def inner() -> tuple[asyncio.AbstractEventLoop, int]:
        return asyncio.get_running_loop(), await _ident()

    def outer() -> tuple[Any, int]:
        return async_to_sync(inner)(), threading.get_ident()

    async with ThreadSensitiveContext():
        (inner_loop, inner_thread), thread = await sync_to_async(outer)()
    assert inner_loop is loop
    assert inner_thread == thread


async def test_call_behind_the_last(pool: ThreadPool) -> None:
    """The thread has gone, with all that was in it; who calls all the same gets one."""
    lease, loop = Lease(pool), asyncio.get_running_loop()
    seen: list[threading.Thread] = []

    def last() -> object:
        seen.append(threading.current_thread())
        return LAST

    await lease.call_from_task(loop, last, ()).future
    await _idle_count(pool, 1)
    await asyncio.to_thread(seen[0].join, 10)
    other = await lease.submit_from_loop(loop, threading.current_thread, ())
    assert other is not seen[0]
    assert await lease.submit_from_loop(loop, threading.current_thread, ()) is other
    await lease.end()
    await _idle_count(pool, 1)
    with pytest.raises(RuntimeError, match="after shutdown"):
        lease.submit(int)


async def test_last_call_with_others_behind_it(pool: ThreadPool) -> None:
    """They are made in the same thread."""
    lease, loop = Lease(pool), asyncio.get_running_loop()
    goes_on = threading.Event()

    def last() -> object:
        goes_on.wait(10)
        return LAST

    first = lease.submit(threading.current_thread)
    told = lease.call_from_task(loop, last, ()).future
    behind = lease.submit(threading.current_thread)
    goes_on.set()
    await told
    assert await asyncio.wrap_future(behind) is first.result()
    await lease.end()


@pytest.fixture
def gil_is_kept() -> Iterator[None]:
    """No other thread runs until the test awaits something."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("gil_is_kept")
async def test_one_thread_at_a_time_begins(
    pool: ThreadPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one for each of a rush of requests."""
    made: list[thread_pool.PoolThread] = []

    class Noted(thread_pool.PoolThread):
        def __init__(self, pool: ThreadPool) -> None:
            super().__init__(pool)
            made.append(self)

    monkeypatch.setattr(thread_pool, "PoolThread", Noted)
    leases = [Lease(pool) for _ in range(50)]
    calls = [lease.submit(int) for lease in leases]
    assert len(made) == 1
    await asyncio.gather(*map(asyncio.wrap_future, calls))
    await asyncio.gather(*(lease.end() for lease in leases))


async def test_threads_for_all_that_wait(pool: ThreadPool) -> None:
    async def request(call: Callable[[], object]) -> None:
        async with ThreadSensitiveContext():
            await sync_to_async(call)()

    barrier = threading.Barrier(20)
    await asyncio.gather(*(request(lambda: barrier.wait(20)) for _ in range(20)))
    assert pool.counts()["threads"] >= 20


async def test_system_without_more_threads(
    pool: ThreadPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Work waits for a thread that is there; with none at all it fails at once."""

    def refuse(pool: ThreadPool) -> thread_pool.PoolThread:
        raise RuntimeError("can't start new thread")

    loop = asyncio.get_running_loop()
    goes_on, began = threading.Event(), asyncio.Event()

    def slow() -> None:
        loop.call_soon_threadsafe(began.set)
        goes_on.wait(10)

    async def request(call: Callable[[], object]) -> None:
        async with ThreadSensitiveContext():
            await sync_to_async(call)()

    first = asyncio.create_task(request(slow))
    await began.wait()
    monkeypatch.setattr(thread_pool, "PoolThread", refuse)
    others = [asyncio.create_task(request(int)) for _ in range(3)]
    await asyncio.sleep(0)
    goes_on.set()
    await asyncio.gather(first, *others)
    await _idle_count(pool, 1)
    pool._idle.pop()
    with pytest.raises(RuntimeError, match="start new thread"):
        await request(int)
    assert pool.counts()["threads"] == 0


@contextlib.asynccontextmanager
async def _thread_that_does_not_end() -> AsyncIterator[int]:
    """What a request has left in it takes as long to go as this context does."""

    class Slow:
        def __del__(self) -> None:
            goes.set()
            goes_on.wait(30)

    def leave_it() -> None:
        local.left = Slow()

    local = threading.local()
    goes, goes_on = threading.Event(), threading.Event()
    async with ThreadSensitiveContext():
        ident = await _ident()
        await sync_to_async(leave_it)()
    await asyncio.to_thread(goes.wait, 10)
    try:
        yield ident
    finally:
        goes_on.set()


async def test_thread_that_does_not_end(pool: ThreadPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """No other request waits for it."""
    monkeypatch.setattr(thread_pool, "HELD_UP_SECONDS", 0.02)
    async with _thread_that_does_not_end() as held_up:
        for _ in range(3):
            async with asyncio.timeout(10), ThreadSensitiveContext():
                assert await _ident() != held_up
    await _idle_count(pool, pool.counts()["threads"])


async def test_thread_that_has_been_given_work_just_now(pool: ThreadPool) -> None:
    """It is not called held up by a look that comes before it can end."""

    async def request() -> int:
        async with ThreadSensitiveContext():
            return await _ident()

    async with _thread_that_does_not_end() as ident:
        answer = asyncio.create_task(request())
        while pool._further is None:
            await asyncio.sleep(0)
        assert pool.look_for_held_up(), "there is work: another look is to come"
        assert pool.counts()["threads"] == 1
    assert await answer == ident


async def test_error_in_a_call(pool: ThreadPool) -> None:
    async with ThreadSensitiveContext():
        with pytest.raises(ZeroDivisionError):
            await sync_to_async(lambda: 1 / 0)()
        await _ident()


@pytest.mark.parametrize("wait", [True, False])
async def test_shutdown_as_an_executor(pool: ThreadPool, wait: bool) -> None:
    lease = Lease(pool)
    goes_on = threading.Event()
    running = lease.submit(goes_on.wait, 10)
    queued = lease.submit(int)
    while not running.running():
        await asyncio.sleep(0.001)
    shutdown = asyncio.to_thread(lease.shutdown, wait, cancel_futures=True)
    task = asyncio.create_task(shutdown)
    while not queued.cancelled():
        await asyncio.sleep(0.001)
    goes_on.set()
    await task
    assert running.result(10) is True
    with pytest.raises(RuntimeError, match="after shutdown"):
        lease.submit(int)
    await _idle_count(pool, 1)


async def test_removed_while_contexts_are_open() -> None:
    """They end by asgiref's own code, and later ones have asgiref's threads."""
    pool = ThreadPool()
    pool.open()
    contexts = LeasingContexts(pool)
    before = vars(ThreadSensitiveContext)["__aexit__"]
    contexts.install()
    async with ThreadSensitiveContext() as context:
        await _ident()
        assert type(SyncToAsync.context_to_thread_executor[context]) is Lease
        contexts.remove()
    assert vars(ThreadSensitiveContext)["__aexit__"] is before
    pool.close()
    async with ThreadSensitiveContext() as context:
        await _ident()
        assert type(SyncToAsync.context_to_thread_executor[context]) is ThreadPoolExecutor


async def test_replaced_by_others_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody has put over ours stays."""
    contexts = LeasingContexts(ThreadPool())
    monkeypatch.setattr(ThreadSensitiveContext, "__aexit__", ThreadSensitiveContext.__aexit__)
    contexts.install()
    theirs = lambda *args: None  # noqa: E731
    ThreadSensitiveContext.__aexit__ = theirs  # type: ignore[assignment,method-assign]
    contexts.remove()
    assert vars(ThreadSensitiveContext)["__aexit__"] is theirs


async def test_given_executor(pool: ThreadPool) -> None:
    """asgiref 3.13 takes one; a context that has it leases nothing."""
    with ThreadPoolExecutor(1) as given:
        try:
            context: Any = ThreadSensitiveContext(executor=given)
        except TypeError:
            pytest.skip("this asgiref takes no executor")
        async with context:
            mine = await _ident()
            assert mine == given.submit(threading.get_ident).result()
    assert not pool._idle and not pool._leased


async def test_idle_threads_end(pool: ThreadPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but a few, after a while; the others when the pool is closed."""
    monkeypatch.setattr(thread_pool, "IDLE_SECONDS", 0.05)

    async def lease(entered: asyncio.Barrier) -> None:
        async with ThreadSensitiveContext():
            await _ident()
            await entered.wait()

    entered = asyncio.Barrier(20)
    await asyncio.gather(*(lease(entered) for _ in range(20)))
    await _idle_count(pool, thread_pool.KEPT_IDLE)
    pool.close()
    await _idle_count(pool, 0)
    assert not pool._leased


async def test_leased_while_the_pool_closes(pool: ThreadPool) -> None:
    async with ThreadSensitiveContext():
        await _ident()
        pool.close()
        await _ident()
    await _idle_count(pool, 0)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
async def test_fork_in_a_view(pool: ThreadPool) -> None:
    """The child has the one thread that forked, and the pool's are not in it."""

    def fork() -> int:
        child = os.fork()
        if child == 0:
            is_alone = threading.enumerate() == [threading.current_thread()]
            is_empty = not pool._idle and not pool._leased
            os._exit(0 if is_alone and is_empty else 1)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    async with ThreadSensitiveContext():
        await _ident()
        async with asyncio.TaskGroup() as group:
            group.create_task(_other())
        assert await sync_to_async(fork)() == 0


async def _other() -> None:
    async with ThreadSensitiveContext():
        await _ident()


async def test_many_at_once(pool: ThreadPool) -> None:
    """Each context's calls come in order, in one thread, however busy the pool is."""

    async def lease(number: int) -> bool:
        async with ThreadSensitiveContext():
            seen: list[tuple[int, int]] = []

            def note(step: int) -> None:
                seen.append((threading.get_ident(), step))

            for step in range(5):
                await sync_to_async(note)(step)
        return len({ident for ident, _ in seen}) == 1 and [s for _, s in seen] == [*range(5)]

    tasks: Callable[[], Any] = lambda: asyncio.gather(*(lease(n) for n in range(50)))  # noqa: E731
    for _ in range(5):
        assert all(await tasks())
