"""`sync_to_async()` on its short way does what asgiref does: each test runs with both."""

from __future__ import annotations

import asyncio
import builtins
import inspect
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, thread
from concurrent.futures.thread import BrokenThreadPool
from contextvars import ContextVar, copy_context
from types import CodeType, FunctionType
from typing import Any

import pytest
from asgiref import sync
from asgiref.local import Local
from asgiref.sync import SyncToAsync, ThreadSensitiveContext, async_to_sync, sync_to_async

from casgi.django import executor_queue, hop, releases
from casgi.django.hop import ShortHops
from casgi.origin import change_in, original_of

VARIABLE: ContextVar[str] = ContextVar("variable", default="unset")
LOCAL = Local()

pytestmark = pytest.mark.skipif(
    releases.unsupported_trips() is not None, reason="this asgiref was not read"
)


@pytest.fixture(params=["asgiref", "short"])
def way(request: pytest.FixtureRequest) -> Iterator[str]:
    seam = ShortHops()
    if request.param == "short":
        seam.install()
    yield request.param
    seam.remove()


@pytest.fixture
def executor(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadPoolExecutor]:
    """Projects put their own there, and it is read for each call."""
    with ThreadPoolExecutor(1) as ours:
        monkeypatch.setattr(SyncToAsync, "single_thread_executor", ours)
        yield ours


@pytest.fixture(params=["one thread", "context"])
async def context(request: pytest.FixtureRequest, pool: Any, executor: Any) -> Any:
    """Without a ThreadSensitiveContext and within one, whose thread is leased."""
    return ThreadSensitiveContext() if request.param == "context" else _NoContext()


class _NoContext:
    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *_: object) -> None:
        pass


class Held:
    """A call that waits in its thread until the test lets it go on."""

    def __init__(self) -> None:
        self.begun, self.goes_on, self.ended = (threading.Event() for _ in range(3))

    def __call__(self) -> str:
        self.begun.set()
        self.goes_on.wait(10)
        self.ended.set()
        return "held"


async def begun(held: Held) -> None:
    assert await asyncio.get_running_loop().run_in_executor(None, held.begun.wait, 10)


async def test_result_and_arguments(way: str, context: Any) -> None:
    def call(*args: Any, **kwargs: Any) -> Any:
        return args, kwargs, threading.get_ident()

    async with context:
        first = await sync_to_async(call)(1, name=2)
        assert first[:2] == ((1,), {"name": 2})
        assert (await sync_to_async(call)())[2] == first[2] != threading.get_ident()


async def test_short_way_is_taken(executor: ThreadPoolExecutor) -> None:
    """Or these tests would compare asgiref with itself."""
    made: list[Any] = []

    class Noted(hop.Trip):
        def __init__(self, *args: Any) -> None:
            made.append(args)
            super().__init__(*args)

    seam = ShortHops()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hop, "Trip", Noted)
        seam.install()
        try:
            await sync_to_async(threading.get_ident)()
            assert change_in("asgiref.sync", ["SyncToAsync"]) is None
        finally:
            seam.remove()
        await sync_to_async(threading.get_ident)()
    assert len(made) == 1


async def test_debug_mode_is_asyncios(
    context: Any, monkeypatch: pytest.MonkeyPatch, executor: ThreadPoolExecutor
) -> None:
    """It looks at what is run in executors, so that is asgiref's own way."""
    made: list[Any] = []

    class Noted(hop.Trip):
        def __init__(self, *args: Any) -> None:
            made.append(args)
            super().__init__(*args)

    monkeypatch.setattr(hop, "Trip", Noted)
    seam = ShortHops()
    seam.install()
    try:
        async with context:
            asyncio.get_running_loop().set_debug(True)
            assert await sync_to_async(str)(1) == "1"
            await hop.hop(int)
            assert not made
            asyncio.get_running_loop().set_debug(False)
            assert await sync_to_async(str)(2) == "2"
            assert len(made) == 1
    finally:
        seam.remove()


@pytest.mark.parametrize("error", [KeyError("x"), SystemExit(3), asyncio.CancelledError("own")])
async def test_errors(way: str, context: Any, error: BaseException) -> None:
    def call() -> None:
        raise error

    async with context:
        with pytest.raises(type(error)) as raised:
            await sync_to_async(call)()
        assert str(raised.value) == str(error)
        assert await sync_to_async(lambda: "next")() == "next"


async def test_stop_iteration(way: str, context: Any) -> None:
    """Who waits is told of it, by another error."""
    if way == "asgiref" and sys.version_info < (3, 12):
        pytest.skip("asyncio tells nobody")

    def call() -> None:
        raise StopIteration(5)

    async with context:
        with pytest.raises(RuntimeError) as raised:
            await sync_to_async(call)()
    assert isinstance(raised.value.__cause__, StopIteration)


async def test_what_is_handled_meanwhile(way: str, context: Any) -> None:
    """An error in the thread has that of the caller for its context."""

    def call() -> None:
        raise ValueError("in the thread")

    async with context:
        with pytest.raises(ValueError, match="thread") as raised:
            try:
                raise KeyError("in the loop")
            except KeyError:
                await sync_to_async(call)()
    assert repr(raised.value.__context__) == "KeyError('in the loop')"


async def test_variables_go_there_and_come_back(way: str, context: Any) -> None:
    def call() -> Any:
        found = VARIABLE.get(), LOCAL.name
        VARIABLE.set("from the thread")
        LOCAL.name = "from the thread"
        return found

    async with context:
        VARIABLE.set("from the loop")
        LOCAL.name = "from the loop"
        assert await sync_to_async(call)() == ("from the loop",) * 2
        assert (VARIABLE.get(), LOCAL.name) == ("from the thread",) * 2


async def test_context_of_its_own(way: str, context: Any) -> None:
    given = copy_context()
    given.run(VARIABLE.set, "given")

    def call() -> str:
        found = VARIABLE.get()
        VARIABLE.set("from the thread")
        return found

    async with context:
        try:
            made = sync_to_async(call, context=given)
        except TypeError:
            pytest.skip("this asgiref has no such parameter")
        VARIABLE.set("from the loop")
        assert await made() == "given"
        assert VARIABLE.get() == "from the loop"
        assert given[VARIABLE] == "from the thread"


async def test_thread_handler_of_a_subclass(way: str, context: Any) -> None:
    """As database_sync_to_async() has one, and tools put theirs on the class."""
    seen: list[str] = []

    class Noting(SyncToAsync[..., Any]):
        def thread_handler(self, *args: Any, **kwargs: Any) -> Any:
            seen.append("before")
            result = super().thread_handler(*args, **kwargs)
            seen.append("after")
            return result

    class Owner:
        @Noting
        def method(self, value: int) -> tuple[type, int]:
            return type(self), value

    async with context:
        assert await Owner().method(2) == (Owner, 2)
    assert seen == ["before", "after"]


async def test_calls_across(way: str, context: Any) -> None:
    """Async code within the call runs in this loop, and its sync code in the thread that waits."""
    here = threading.get_ident()

    async def inner() -> Any:
        return threading.get_ident(), await sync_to_async(threading.get_ident)()

    def call() -> Any:
        return threading.get_ident(), async_to_sync(inner)()

    async with context:
        there, (loop, within) = await sync_to_async(call)()
    assert (loop, within) == (here, there)


async def test_cancelled_before_it_begins(way: str, context: Any) -> None:
    held, ran = Held(), threading.Event()
    async with context:
        first = asyncio.create_task(sync_to_async(held)())
        await begun(held)
        second = asyncio.create_task(sync_to_async(ran.set)())
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        held.goes_on.set()
        assert await first == "held"
        await sync_to_async(lambda: None)()
    assert not ran.is_set()


async def test_cancelled_while_it_runs(way: str, context: Any) -> None:
    """It runs to its end, and nobody waits for it."""
    held = Held()
    async with context:
        task = asyncio.create_task(sync_to_async(held)())
        await begun(held)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not held.ended.is_set()
        held.goes_on.set()
        assert await sync_to_async(held.ended.is_set)()


@pytest.mark.parametrize("is_swallowed", [True, False])
async def test_cancelled_while_async_code_runs_within(
    way: str, context: Any, is_swallowed: bool
) -> None:
    """That is cancelled, and decides."""
    waits = asyncio.Event()

    async def inner() -> str:
        waits.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if not is_swallowed:
                raise
        return "swallowed"

    async with context:
        task = asyncio.create_task(sync_to_async(lambda: async_to_sync(inner)())())
        await waits.wait()
        task.cancel()
        if is_swallowed:
            assert await task == "swallowed"
        else:
            with pytest.raises(asyncio.CancelledError):
                await task
        assert await sync_to_async(lambda: "next")() == "next"


async def test_executor_that_has_ended(way: str, executor: ThreadPoolExecutor) -> None:
    executor.shutdown()

    async def call() -> None:
        await sync_to_async(threading.get_ident)()

    # As a task: asgiref leaves a mark in the context of who called.
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        await asyncio.create_task(call())


async def test_executor_that_ends_before_the_call(way: str, executor: ThreadPoolExecutor) -> None:
    held, ran = Held(), threading.Event()
    first = asyncio.create_task(sync_to_async(held)())
    await begun(held)
    second = asyncio.create_task(sync_to_async(ran.set)())
    await asyncio.sleep(0)
    executor.shutdown(wait=False, cancel_futures=True)
    held.goes_on.set()
    assert await first == "held"
    with pytest.raises(asyncio.CancelledError):
        await second
    assert not ran.is_set()


async def test_call_that_would_wait_for_itself(way: str, executor: ThreadPoolExecutor) -> None:
    """It is refused, by a mark in the context that goes to the thread and on from there."""
    refused: list[str] = []

    async def inner() -> None:
        try:
            await sync_to_async(threading.get_ident)()
        except RuntimeError as error:
            refused.append(str(error))

    await sync_to_async(lambda: asyncio.run(inner()))()
    assert len(refused) == 1
    await sync_to_async(threading.get_ident)()


async def test_other_threads_are_asgirefs(way: str, executor: ThreadPoolExecutor) -> None:
    def name() -> str:
        return threading.current_thread().name

    with ThreadPoolExecutor(1, thread_name_prefix="own") as own:
        made = sync_to_async(name, thread_sensitive=False, executor=own)
        assert (await made()).startswith("own")
    assert await sync_to_async(name, thread_sensitive=False)() != await sync_to_async(name)()


async def test_tools_see_what_is_submitted(
    way: str, executor: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that follow calls into threads replace ThreadPoolExecutor.submit()."""
    seen: list[Any] = []
    original = ThreadPoolExecutor.submit

    def submit(self: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append(self)
        return original(self, *args, **kwargs)

    await sync_to_async(threading.get_ident)()
    monkeypatch.setattr(ThreadPoolExecutor, "submit", submit)
    await sync_to_async(threading.get_ident)()
    assert seen == [executor]


async def test_tools_see_what_one_executor_is_given(
    way: str, executor: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[None] = []

    def submit(*args: Any, **kwargs: Any) -> Any:
        seen.append(None)
        return ThreadPoolExecutor.submit(executor, *args, **kwargs)

    await sync_to_async(threading.get_ident)()
    monkeypatch.setattr(executor, "submit", submit)
    await sync_to_async(threading.get_ident)()
    assert len(seen) == 1


@pytest.mark.parametrize("of_class", [False, True])
async def test_tools_see_what_the_loop_runs_in_executors(
    way: str, context: Any, monkeypatch: pytest.MonkeyPatch, of_class: bool
) -> None:
    """Replaced while it serves, on the loop itself or for all loops, also within a request."""
    seen: list[None] = []
    loop = asyncio.get_running_loop()
    original = asyncio.BaseEventLoop.run_in_executor

    def of_all(self: Any, *args: Any) -> Any:
        seen.append(None)
        return original(self, *args)

    async with context:
        await sync_to_async(threading.get_ident)()
        if of_class:
            monkeypatch.setattr(asyncio.BaseEventLoop, "run_in_executor", of_all)
        else:
            monkeypatch.setattr(loop, "run_in_executor", lambda *args: of_all(loop, *args))
        for _ in range(3):
            await sync_to_async(threading.get_ident)()
    assert len(seen) == 3


_MEANWHILE = {
    "asgiref's call": original_of(vars(SyncToAsync)["__call__"]),
    "the loop's executors": asyncio.BaseEventLoop.run_in_executor,
    "submit": ThreadPoolExecutor.submit,
    "a work item": vars(thread)["_WorkItem"].run,
}


@pytest.mark.parametrize("function", _MEANWHILE.values(), ids=list(_MEANWHILE))
async def test_tools_that_change_the_code_itself(
    executor: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, function: FunctionType
) -> None:
    """While it serves: whoever holds the function already calls theirs."""
    seen: list[None] = []
    code, closure = function.__code__, function.__closure__
    kept = FunctionType(code, function.__globals__, "kept", function.__defaults__, closure)
    seam = ShortHops()
    seam.install()
    try:
        await sync_to_async(threading.get_ident)()
        monkeypatch.setattr(builtins, "kept", (kept, seen.append), raising=False)
        monkeypatch.setattr(hop, "_queue", executor_queue.ExecutorQueue())
        monkeypatch.setattr(function, "__code__", _noting(code))
        await sync_to_async(threading.get_ident)()
    finally:
        seam.remove()
    assert len(seen) == 1


def _noting(code: CodeType) -> CodeType:
    """Return code that notes the call, and goes on with the function that is kept."""
    is_async = code.co_flags & inspect.CO_COROUTINE
    head, wait = ("async ", "await ") if is_async else ("", "")
    names: dict[str, Any] = {}
    exec(
        f"{head}def f(*args, **named):\n"
        "    import builtins\n"
        "    function, note = builtins.kept\n"
        "    note(None)\n"
        f"    return {wait}function(*args, **named)\n",
        names,
    )
    changed: CodeType = names["f"].__code__
    return changed.replace(co_freevars=code.co_freevars)


async def test_loops_that_were_changed_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio.BaseEventLoop, "run_in_executor", lambda *_: None)
    assert "run_in_executor was replaced" in (releases.unsupported_trips() or "")


async def test_executor_whose_thread_cannot_begin(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits for its thread is told that it has failed; none is left waiting."""
    may_fail = threading.Event()

    def fail() -> None:
        may_fail.wait()
        raise ValueError

    with ThreadPoolExecutor(1, initializer=fail) as failing:
        monkeypatch.setattr(SyncToAsync, "single_thread_executor", failing)
        calls = [asyncio.ensure_future(sync_to_async(len)("")) for _ in range(3)]
        await asyncio.sleep(0)
        may_fail.set()
        for call in calls:
            with pytest.raises(BrokenThreadPool):
                await call


async def test_function_of_asgiref_that_is_replaced_later(
    way: str, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[None] = []
    original = vars(sync)["_restore_context"]

    def restore(context: Any) -> None:
        seen.append(None)
        original(context)

    async with context:
        monkeypatch.setattr(sync, "_restore_context", restore)
        await sync_to_async(threading.get_ident)()
    assert seen


async def test_executors_that_were_not_read(
    executor: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor_queue, "_WORKERS", set())
    monkeypatch.setattr(hop, "_queue", executor_queue.ExecutorQueue())
    assert "not of the code that was tested" in (hop._queue._code.change() or "")
    seam = ShortHops()
    seam.install()
    try:
        assert await sync_to_async(lambda: "called")() == "called"
    finally:
        seam.remove()


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="this system has no such policy")
async def test_threads_do_not_preempt_the_loop(pool: Any, executor: ThreadPoolExecutor) -> None:
    policy = sync_to_async(lambda: os.sched_getscheduler(0))
    seam = ShortHops()
    seam.install()
    try:
        assert await policy() == os.SCHED_BATCH
        async with ThreadSensitiveContext():
            assert await policy() == os.SCHED_BATCH
    finally:
        seam.remove()
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
