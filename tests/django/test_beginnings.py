"""In which order work begins, and who stands back: the pool, with doubles of its threads.

What the double leaves out, the GIL, is in test_native_threads.py and test_at_once.py.
"""

from __future__ import annotations

import pytest

from casgi.django import beginnings, thread_pool
from casgi.django.beginnings import AT_ONCE, YOUNG_SECONDS
from casgi.django.thread_pool import ThreadPool
from casgi.django.work import Work


class ScriptedThread:
    """A PoolThread that does nothing by itself."""

    current = None
    made: list[ScriptedThread]

    def __init__(self, pool: ThreadPool) -> None:
        self.pool = pool
        self.patience: float | None = None  # of the turn that was asked for
        self.given: Work | None = None
        self.does_not_end = False
        self.made.append(self)

    def begin(self, work: Work) -> None:
        assert self.given is None
        self.given, self.patience = work, 0.0

    def wake(self, patience: float = 0.0) -> None:
        self.patience = patience

    def is_beginning(self) -> bool:
        return self.patience is not None and not self.does_not_end

    def is_held_up(self) -> bool:
        return self.patience is not None and self.does_not_end

    def turn(self, finds_gil_free: bool = False) -> Work | None:
        """Do what a turn does; return the work that is begun."""
        assert self.patience is not None, "nobody has asked for it"
        assert not self.does_not_end
        self.patience = None
        return self.pool.next_for(self, finds_gil_free)  # type: ignore[arg-type]


class Clock:
    """The time, as thread_pool and beginnings see it."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(beginnings, "time", clock)
    monkeypatch.setattr(thread_pool, "time", clock)
    return clock


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[ScriptedThread]:
    """All that were made."""
    ScriptedThread.made = []
    monkeypatch.setattr(thread_pool, "PoolThread", ScriptedThread)
    return ScriptedThread.made


@pytest.fixture
def pool(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, threads: list[ScriptedThread]
) -> ThreadPool:
    monkeypatch.setattr("threading._register_atexit", lambda function: None)
    monkeypatch.setattr("os.register_at_fork", lambda **functions: None)
    pool = ThreadPool()
    pool.open()
    return pool


def _provide(pool: ThreadPool, count: int) -> list[Work]:
    works = [Work() for _ in range(count)]
    assert all(pool.provide_for(work) for work in works)
    return works


def _on_its_way(threads: list[ScriptedThread]) -> list[ScriptedThread]:
    return [thread for thread in threads if thread.patience is not None]


def _begin_at_once(pool: ThreadPool, threads: list[ScriptedThread], works: list[Work]) -> None:
    """Have the first few begin, as many as do so without standing back."""
    for work in works[:AT_ONCE]:
        [thread] = _on_its_way(threads)
        assert thread.patience == 0
        assert thread.turn() is work


def test_one_thread_is_on_its_way(pool: ThreadPool, threads: list[ScriptedThread]) -> None:
    works = _provide(pool, 20)
    assert len(threads) == 1
    _begin_at_once(pool, threads, works)
    [further] = _on_its_way(threads)
    assert further.patience == YOUNG_SECONDS
    assert len(threads) == AT_ONCE + 1


def test_all_begin_in_order_while_the_gil_is_free(
    pool: ThreadPool, threads: list[ScriptedThread]
) -> None:
    """However many there are: who has begun waits for something else."""
    works = _provide(pool, 200)
    begun = []
    while on_its_way := _on_its_way(threads):
        begun.append(on_its_way[0].turn(finds_gil_free=True))
    assert begun == works
    assert pool.counts()["threads"] == len(threads) == 200


def test_all_begin_in_order_while_others_compute(
    pool: ThreadPool, threads: list[ScriptedThread], clock: Clock
) -> None:
    """Though they never end, and the GIL is never free: some for each span of being young."""
    works = _provide(pool, 20)
    begun, since = [], clock.now
    while on_its_way := _on_its_way(threads):
        [thread] = on_its_way
        assert thread.patience is not None
        clock.now += max(thread.patience, 0.0)
        begun.append(thread.turn())
    assert begun == works
    assert clock.now - since <= YOUNG_SECONDS * len(works) / AT_ONCE


def test_who_was_woken_too_early_stands_back_again(
    pool: ThreadPool, threads: list[ScriptedThread], clock: Clock
) -> None:
    works = _provide(pool, AT_ONCE + 1)
    _begin_at_once(pool, threads, works)
    [further] = _on_its_way(threads)
    clock.now += YOUNG_SECONDS / 2
    assert further.turn() is None
    assert further.patience == pytest.approx(YOUNG_SECONDS / 2)
    clock.now += YOUNG_SECONDS / 2
    assert further.turn() is works[AT_ONCE]


def test_who_is_done_takes_up_the_oldest(pool: ThreadPool, threads: list[ScriptedThread]) -> None:
    """And the one who stands back the one behind."""
    works = _provide(pool, AT_ONCE + 3)
    _begin_at_once(pool, threads, works)
    pool.take_back(works[0])
    assert threads[0].turn() is works[AT_ONCE]
    further = threads[AT_ONCE]
    assert further.turn(finds_gil_free=True) is works[AT_ONCE + 1]
    [further] = _on_its_way(threads)
    assert further is threads[AT_ONCE + 1]
    assert further.turn(finds_gil_free=True) is works[AT_ONCE + 2]
    assert not _on_its_way(threads)


def test_who_is_done_does_not_while_enough_are_young(
    pool: ThreadPool, threads: list[ScriptedThread]
) -> None:
    """Threads that were needed once, and now compute all, become fewer again."""
    works = _provide(pool, AT_ONCE + 3)
    _begin_at_once(pool, threads, works)
    threads[AT_ONCE].turn(finds_gil_free=True)
    [further] = _on_its_way(threads)
    pool.take_back(works[0])
    assert _on_its_way(threads) == [further]
    assert further.patience == YOUNG_SECONDS
    assert pool.counts()["idle"] == 1
    pool.take_back(works[1])  # Fewer than enough are young now.
    assert threads[1].turn() is works[AT_ONCE + 1]


def test_who_is_done_ends_when_the_pool_is_closed(
    pool: ThreadPool, threads: list[ScriptedThread]
) -> None:
    """While another one stands back, too: the interpreter's end waits for all."""
    works = _provide(pool, AT_ONCE + 3)
    _begin_at_once(pool, threads, works)
    threads[AT_ONCE].turn(finds_gil_free=True)
    [further] = _on_its_way(threads)
    pool.close()
    pool.take_back(works[0])
    assert _on_its_way(threads) == [threads[0], further]
    assert further.patience == YOUNG_SECONDS


def test_who_stands_back_hurries_when_few_are_young(
    pool: ThreadPool, threads: list[ScriptedThread], clock: Clock
) -> None:
    works = _provide(pool, AT_ONCE + 1)
    _begin_at_once(pool, threads, works)
    [further] = _on_its_way(threads)
    clock.now += YOUNG_SECONDS
    [last] = _provide(pool, 1)
    assert further.patience == 0
    assert further.turn() is works[AT_ONCE]
    [further] = _on_its_way(threads)
    assert further.turn() is last


def test_who_finds_nothing_left_is_idle(pool: ThreadPool, threads: list[ScriptedThread]) -> None:
    works = _provide(pool, AT_ONCE + 1)
    _begin_at_once(pool, threads, works)
    [further] = _on_its_way(threads)
    pool.take_back(works[0])
    threads[0].turn()
    assert further.turn() is None
    assert pool.counts() == {
        "threads": AT_ONCE + 1,
        "idle": 1,
        "waiting": 0,
        "waited": 0,
        "dropped": 0,
    }
    pool.close()
    assert further.patience == 0, "it is to end"
    further.patience = None
    [work] = _provide(pool, 1)
    assert further.patience is not None
    assert further.turn(finds_gil_free=True) is work


@pytest.mark.parametrize("finds_gil_free", [True, False])
def test_who_is_held_up_takes_nothing(
    pool: ThreadPool, threads: list[ScriptedThread], finds_gil_free: bool
) -> None:
    """Neither what it has taken up itself, nor what is next; and it is there again afterwards."""
    works = _provide(pool, AT_ONCE + 2)
    _begin_at_once(pool, threads, works)
    held_up, [further] = threads[0], _on_its_way(threads)
    held_up.does_not_end = True
    pool.take_back(works[0])
    assert held_up.given is works[AT_ONCE]
    assert pool.look_for_held_up()
    assert held_up.given is None
    assert further.turn(finds_gil_free=True) is works[AT_ONCE]
    assert pool.counts()["threads"] == AT_ONCE + 1 + 1
    pool.take_back(works[1])
    threads[1].does_not_end = True
    assert threads[1].given is works[AT_ONCE + 1]
    for thread in threads:
        thread.does_not_end = False
    assert threads[1].turn() is works[AT_ONCE + 1]
    assert held_up.turn(finds_gil_free) is None
    assert not pool.look_for_held_up()
    [work] = _provide(pool, 1)
    assert [thread.turn(finds_gil_free=True) for thread in _on_its_way(threads)] == [work]
    assert len(threads) == AT_ONCE + 1 + 1


def test_all_that_was_given_to_who_is_held_up_begins_in_order(
    pool: ThreadPool, threads: list[ScriptedThread], clock: Clock
) -> None:
    works = _provide(pool, 6)
    for _ in range(3):
        _on_its_way(threads)[0].turn(finds_gil_free=True)
    for thread, work in zip(threads[:3], works, strict=False):
        clock.now += YOUNG_SECONDS
        thread.does_not_end = True
        pool.take_back(work)
    given = [thread.given for thread in threads[:3]]
    assert given == works[3:]
    assert pool.look_for_held_up()
    begun = []
    while ready := [one for one in _on_its_way(threads) if not one.does_not_end]:
        begun.append(ready[0].turn(finds_gil_free=True))
    assert [work for work in begun if work is not None] == works[3:]


def test_who_is_held_up_counts(pool: ThreadPool, threads: list[ScriptedThread]) -> None:
    """It may still have its connections: with a limit no other is made instead."""
    pool.limit = 2
    works = [Work() for _ in range(4)]
    for work in works:
        pool.provide_for(work)
    _begin_at_once(pool, threads, works)
    threads[0].does_not_end = True
    pool.take_back(works[0])
    assert threads[0].given is works[2]
    assert pool.look_for_held_up()
    assert threads[0].given is works[2]
    threads[0].does_not_end = False
    assert threads[0].turn() is works[2]
    assert len(threads) == pool.limit


def test_several_that_are_held_up_count(pool: ThreadPool, threads: list[ScriptedThread]) -> None:
    """One idle thread is there for the work of one of them."""
    pool.limit = AT_ONCE + 1
    works = [Work() for _ in range(AT_ONCE + 2)]
    for work in works[:AT_ONCE]:
        pool.provide_for(work)
    _begin_at_once(pool, threads, works)
    assert [pool.provide_for(work) for work in works[AT_ONCE:]] == [True, False]
    [idle] = _on_its_way(threads)
    for thread, work in zip(threads[:AT_ONCE], works, strict=False):
        thread.does_not_end = True
        pool.take_back(work)
    assert [thread.given for thread in threads[:AT_ONCE]] == works[AT_ONCE:]
    assert idle.turn(finds_gil_free=True) is None
    assert pool.look_for_held_up()
    assert idle.turn(finds_gil_free=True) is works[AT_ONCE]
    assert len(threads) == pool.limit
    threads[1].does_not_end = False
    assert threads[1].turn() is None
    assert threads[1].turn(finds_gil_free=True) is works[AT_ONCE + 1]
    assert len(threads) == pool.limit


def test_who_is_held_up_is_looked_for_behind_another(
    pool: ThreadPool, threads: list[ScriptedThread], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of two has a thread; that of the second was idle, and does not end."""
    works = _provide(pool, 2)
    _begin_at_once(pool, threads, works)
    for work in works:
        pool.take_back(work)
    held_up, last = threads
    held_up.does_not_end = True
    looks: list[None] = []
    monkeypatch.setattr(pool._looks, "come", lambda: looks.append(None))
    first, second = _provide(pool, 2)
    assert last.turn() is first
    assert _on_its_way(threads) == [held_up]
    assert looks
    assert pool.look_for_held_up()
    assert threads[2].turn(finds_gil_free=True) is second


@pytest.mark.parametrize("finds_gil_free", [True, False])
def test_never_more_than_the_limit(
    pool: ThreadPool, threads: list[ScriptedThread], clock: Clock, finds_gil_free: bool
) -> None:
    """And in order, also for those that have waited for that."""
    pool.limit = AT_ONCE + 2
    works = [Work() for _ in range(12)]
    assert [pool.provide_for(work) for work in works] == [True] * pool.limit + [False] * (
        12 - pool.limit
    )
    begun: list[Work] = []
    over = 0
    for _ in range(10 * len(works)):
        for thread in _on_its_way(threads):
            work = thread.turn(finds_gil_free)
            begun += [work] if work is not None else []
        clock.now += YOUNG_SECONDS
        if over < len(begun):
            pool.take_back(begun[over])
            over += 1
    assert begun == works
    assert len(threads) <= pool.limit
    counts = pool.counts()
    assert (counts["waiting"], counts["idle"]) == (0, len(threads))
