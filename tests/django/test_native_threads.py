"""casgi._core.NativeThread: turns in thread states of their own; and an interpreter that ends."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from casgi._core import NativeThread

DEADLINE = 30
PROGRAM = """
import asyncio, sys, threading
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from casgi.django.thread_context import LeasingContexts
from casgi.django.thread_pool import ThreadPool
pool = ThreadPool()
pool.open()
LeasingContexts(pool).install()

async def request(call):
    async with ThreadSensitiveContext():
        await sync_to_async(int)()
        task = asyncio.create_task(sync_to_async(call)())
        if call is int:
            await task
        else:
            while not began.is_set():
                await asyncio.sleep(0.001)
            task.cancel()
            print("leaving", flush=True)
            asyncio.get_running_loop().stop()
            await asyncio.sleep(9)

def slow():
    began.set()
    ends.wait()
    threading.Event().wait(0.2)  # Who does not wait for it is gone by then.
    print("finished", flush=True)

began, ends = threading.Event(), threading.Event()
threading._register_atexit(ends.set)  # Before what waits, which the pool has registered.
"""


def test_turns() -> None:
    local = threading.local()
    turns: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
    seconds = iter([float("inf"), 0.0, 0.001, 5.0, None])
    before = threading.active_count()

    def turn() -> float | None:
        turns.put((threading.get_ident(), getattr(local, "left", None)))
        local.left = "theirs"
        return next(seconds)

    thread = NativeThread(turn)
    thread.wake()
    first = turns.get(timeout=DEADLINE)
    thread.wake()
    for _ in range(3):  # By themselves when the time is over.
        assert turns.get(timeout=DEADLINE) == first == (first[0], None)
    thread.wake()
    assert turns.get(timeout=DEADLINE) == first
    with pytest.raises(RuntimeError, match="has ended"):
        while True:
            thread.wake()
    assert threading.active_count() <= before  # another's may have ended meanwhile


@pytest.fixture
def computing() -> Iterator[None]:
    """Another thread has the GIL most of the time."""
    is_over = threading.Event()

    def compute() -> None:
        while not is_over.wait(0.001):
            sum(range(100_000))

    other = threading.Thread(target=compute)
    other.start()
    yield
    is_over.set()
    other.join()


def _turns_of(rounds: int, *patience: float) -> list[bool]:
    """Wake a thread so many times, by these calls; return what each turn found."""
    found: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def turn() -> float:
        found.put(thread.found_gil_free())
        return float("inf")

    thread = NativeThread(turn)
    turns = []
    for _ in range(rounds):
        for seconds in patience:
            thread.wake(seconds)
        turns.append(found.get(timeout=DEADLINE))
    while not found.empty():
        turns.append(found.get())
    return turns


@pytest.mark.usefixtures("computing")
def test_who_stands_back_comes_when_the_gil_is_free() -> None:
    assert _turns_of(50, 1e6) == [True] * 50


@pytest.mark.usefixtures("computing")
def test_patience_is_over() -> None:
    deadline = time.monotonic() + DEADLINE
    while all(_turns_of(10, 1e-9)):
        assert time.monotonic() < deadline, "it never begins while another one computes"


@pytest.mark.usefixtures("computing")
def test_who_stands_back_is_woken() -> None:
    """By a call without patience."""
    deadline = time.monotonic() + DEADLINE
    while all(_turns_of(50, 1e6, 0.0)):
        assert time.monotonic() < deadline, "it stands back all the same"


def test_wake_takes_a_number() -> None:
    thread = NativeThread(lambda: None)
    with pytest.raises(TypeError):
        thread.wake("a while")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="at most"):
        thread.wake(1.0, 2.0)  # type: ignore[call-arg]
    thread.wake(float("nan"))


def test_for_how_long_it_is_ending() -> None:
    begun, goes_on = threading.Event(), threading.Event()

    def turn() -> float:
        begun.set()
        goes_on.wait(DEADLINE)
        return 1000.0

    thread = NativeThread(turn)
    thread.wake()
    assert begun.wait(DEADLINE)
    assert not thread.is_ending(), "nobody has asked for another turn"
    before = time.monotonic()
    thread.wake()
    assert thread.is_ending()
    while not thread.is_ending(0.02):
        assert time.monotonic() - before < DEADLINE, "it does not count"
    assert time.monotonic() - before >= 0.02
    assert not thread.is_ending(1000)
    with pytest.raises(TypeError):
        thread.is_ending("a while")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="at most"):
        thread.is_ending(1.0, 2.0)  # type: ignore[call-arg]
    goes_on.set()


def test_thread_that_ends_lets_go_of_all() -> None:
    class Owner:
        def __init__(self) -> None:
            self.thread = NativeThread(self.turn)

        def turn(self) -> None:
            return None

    owner = Owner()
    ended = threading.Event()
    weakref.finalize(owner, ended.set)
    owner.thread.wake()
    del owner
    while not ended.wait(0.01):
        import gc

        gc.collect()


@pytest.mark.parametrize("result", ["not a number", ZeroDivisionError()])
def test_error_in_a_turn(monkeypatch: pytest.MonkeyPatch, result: Any) -> None:
    reported: queue.SimpleQueue[Any] = queue.SimpleQueue()
    monkeypatch.setattr(sys, "unraisablehook", lambda error: reported.put(error.exc_type))

    def turn() -> Any:
        if isinstance(result, Exception):
            raise result
        return result

    NativeThread(turn).wake()
    expected = type(result) if isinstance(result, Exception) else TypeError
    assert reported.get(timeout=DEADLINE) is expected


def _run(program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-X", "faulthandler", "-c", PROGRAM + program]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("close", ["pool.close()", "pass"])
def test_interpreter_that_ends_at_once(close: str) -> None:
    """Idle threads are gone before it is."""
    done = _run(f"asyncio.run(request(int))\n{close}\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_interpreter_that_ends_while_a_call_runs() -> None:
    """It waits for the call, as for one in a thread of asgiref's."""
    loop = "loop = asyncio.new_event_loop()\ntask = loop.create_task(request(slow))\n"
    done = _run(loop + "loop.run_forever()\n")
    assert (done.returncode, done.stdout.split()) == (0, ["leaving", "finished"])


def test_thread_whose_time_is_over_behind_the_interpreters_end() -> None:
    """C code that runs at the exit of the process keeps it alive, without Python."""
    done = _run("""
import ctypes, subprocess
from casgi._core import NativeThread
libc = ctypes.CDLL(None)
child = subprocess.Popen(["sleep", "1"])
libc.__cxa_atexit(libc.wait, None, None)
child.returncode = 0
turns = []
thread = NativeThread(lambda: turns.append(1) or 0.4)
thread.wake()
while not turns:
    pass
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
