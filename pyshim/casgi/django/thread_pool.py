"""The threads that contexts get, last in first out, and how idle ones end.

    idle -- there is work --> on its way -- next_for(): the oldest --> leased
      ^ `-- idle for IDLE_SECONDS while others are, too: it closes its connections and ends
      `---- the work is closed and done, and nothing is next ----------'

Work begins in the order in which it came. One thread at a time is on its way to it: the GIL lets
none begin earlier, and a thread that waits for it costs more than one that sleeps. It may have to
stand back (see `beginnings`). A thread that is done with its own may take up the oldest, too. One
whose last turn does not end (what the request left in it takes long to go) is *held up*: it is let
alone until it has ended, and others take what it was given.

Each lease is one turn of a NativeThread, so all that Python keeps by thread ends with the lease.
What is carried over is the thread's database connections, by `connections`.
"""

import contextlib
import os
import threading
import time
from collections import deque
from functools import partial

from casgi import _core
from casgi.django.beginnings import Beginnings
from casgi.django.connections import KeptConnections
from casgi.django.leased_thread import LeasedThread
from casgi.django.looks import HELD_UP_SECONDS, Looks
from casgi.django.scheduling import preempt_nobody
from casgi.django.work import Work

IDLE_SECONDS = 10.0
"""So long a thread is kept after its last lease."""
KEPT_IDLE = 4
"""So many idle threads are kept for longer, with connections that have not come of age."""


class PoolThread:
    """One thread of the system.

    Attributes:
        current: what is threading.current_thread() in it; None while it is idle.
        given: the work that it is to begin, if it is to begin a certain one.

    """

    def __init__(self, pool: "ThreadPool") -> None:
        self.current: LeasedThread | None = None
        self._pool = pool
        self.given: Work | None = None  # which it is to begin
        self._connections = KeptConnections()
        self._idle_since = time.monotonic()
        self._is_new = True
        self._native = _core.NativeThread(self._turn)

    def begin(self, work: Work) -> None:
        """Run the work, soon, until it is closed."""
        self.given = work
        self._native.wake()

    def wake(self, patience: float = 0.0) -> None:
        """Let a thread that has no work look for some, or whether it is still wanted.

        For so many seconds of patience it stands back, unless nobody else wants the GIL.
        """
        self._native.wake(patience)

    def is_beginning(self) -> bool:
        """Whether it waits for nothing but the GIL."""
        return self._native.is_beginning()

    def is_held_up(self) -> bool:
        """Whether it waits for long for the end of its own turn, in which it has been woken."""
        return self._native.is_ending(HELD_UP_SECONDS)

    def _turn(self) -> float | None:
        """Do what is to be done, in a fresh thread state; return for how long to wait then."""
        if self._is_new:
            self._is_new = False
            preempt_nobody()
        work = self._pool.next_for(self, self._native.found_gil_free())
        if work is None:
            idle_seconds = time.monotonic() - self._idle_since
            if self._pool.lets_go(self, idle_seconds):
                self._connections.close_all()
                return None
            self._connections.close_aged()
        else:
            self.current = LeasedThread(partial(self._run_lease, work))
            self.current.run_here()
            self.current = None
            self._idle_since = time.monotonic()
            if not work.is_over:
                self._pool.take_back(work)
        until_aged = self._connections.seconds_until_aged()
        return IDLE_SECONDS if until_aged is None else min(IDLE_SECONDS, until_aged)

    def _run_lease(self, work: Work) -> None:
        self._connections.restore()
        work.run(self._pool.take_back)
        self._connections.keep()


class ThreadPool:
    """The threads of a process; any thread may call.

    With a limit, work waits in order until a thread is free for it.

    Attributes:
        limit: most threads, 0 for as many as there is work.
        waited: how much work has had to wait so far.
        dropped: how much of that was nobody's any more before its turn came.

    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._has_less = threading.Condition(self._lock)
        self._idle: list[PoolThread] = []
        self._leased: dict[Work, PoolThread] = {}
        self._woken: set[PoolThread] = set()  # which have work that they have not begun
        self._further: PoolThread | None = None  # on its way, to the oldest of what is next
        self._held_up: set[PoolThread] = set()
        self._looks = Looks(self.look_for_held_up)
        self._next: deque[Work] = deque()
        self._beginnings = Beginnings()
        self._waiting: dict[Work, float] = {}  # since when, first in first out
        self._is_open = False
        self.limit = 0
        self.waited = self.dropped = 0
        os.register_at_fork(after_in_child=self._forget)
        # As concurrent.futures: before the interpreter waits for threads, which wait for work.
        threading._register_atexit(self._join)  # type: ignore[attr-defined]

    def open(self, limit: int = 0) -> None:
        """Keep idle threads from now on, and have at most so many."""
        self._is_open = True
        self.limit = limit

    def close(self) -> None:
        """Let idle threads go now, and the others when their contexts end."""
        with self._lock:
            self._is_open = False
            for thread in self._idle:
                thread.wake()

    def counts(self) -> dict[str, int]:
        """Return how many threads there are and how much work waits, and what was counted."""
        with self._lock:
            return {
                "threads": self._count(),
                "idle": len(self._idle),
                "waiting": len(self._waiting),
                "waited": self.waited,
                "dropped": self.dropped,
            }

    def waits(self, work: Work) -> bool:
        """Whether the work has no thread yet."""
        return work in self._waiting

    def longest_wait(self) -> float:
        """Return for how many seconds the first in line waits; 0 if nobody does."""
        with self._lock:
            return time.monotonic() - min(self._waiting.values(), default=time.monotonic())

    def leased_threads(self) -> list[threading.Thread]:
        """Return what is threading.current_thread() in the threads that work."""
        with self._lock:
            leased = list(self._leased.values())
        return [thread.current for thread in leased if thread.current is not None]

    def provide_for(self, work: Work) -> bool:
        """Have a thread run the work; False if it has to wait for one."""
        with self._lock:
            if 0 < self.limit <= len(self._leased) + len(self._next) + len(self._held_up):
                self._waiting[work] = time.monotonic()
                self.waited += 1
                self._looks.come()
                return False
            self._next.append(work)
            try:
                self._begin_next()
            except RuntimeError:  # The system has no more threads; one of ours will take it up.
                if not self._leased:
                    self._next.remove(work)
                    raise
            self._looks.come()
            return True

    def next_for(self, thread: PoolThread, found_gil_free: bool) -> Work | None:
        """Return what a thread is to begin that was woken; None if nothing, or not yet."""
        with self._lock:
            work, thread.given = thread.given, None
            if work is not None:
                self._woken.discard(thread)
                self._let_next_begin()
                return work
            if thread in self._held_up:
                self._held_up.remove(thread)
                self._idle.append(thread)
                self._admit_first()
                self._let_next_begin()
                return None
            if thread is not self._further:
                return None
            patience = 0.0 if found_gil_free or not self._next else self._beginnings.patience()
            if patience > 0:  # Others have begun meanwhile.
                thread.wake(patience)
                return None
            self._further = None
            if not self._next:
                self._idle.append(thread)
                return None
            work = self._next.popleft()
            self._lease(thread, work)
            self._let_next_begin()
            return work

    def take_back(self, work: Work) -> None:
        """Let others have the thread whose work is closed, with nothing queued and nothing running.

        Called early, before the thread itself has seen that: it ends the one lease before it
        begins the next, and the next request of the same client finds it and its connections.
        """
        with self._lock:
            thread = self._leased.pop(work, None)
            if thread is None:
                return
            self._beginnings.remove(work)
            self._admit_first()
            if self._next and self._beginnings.patience() <= 0:
                self._take_up(thread, self._next.popleft())
                return
            self._idle.append(thread)
            if self._next:
                self._let_next_begin()
            if not self._is_open and thread is not self._further:
                thread.wake()

    def drop(self, work: Work) -> bool:
        """Let work go that waits and has no call that is wanted; False if there is none such."""
        with self._lock:
            if work not in self._waiting or work.is_wanted():
                return False
            del self._waiting[work]
            self.dropped += 1
            self._has_less.notify_all()
            return True

    def look_for_held_up(self) -> bool:
        """Let others take what threads cannot begin that do not end; whether to look again."""
        with self._lock:
            if self._further is not None and self._further.is_held_up() and self._has_another():
                self._held_up.add(self._further)
                self._further = None
            for work, thread in reversed(list(self._leased.items())):  # The oldest is first again.
                if thread.given is work and thread.is_held_up() and self._has_another():
                    self._take_from(thread, work)
            self._let_next_begin()
            return bool(self._next or self._waiting or self._woken)

    def lets_go(self, thread: PoolThread, idle_seconds: float) -> bool:
        """Whether an idle thread is to end; then it is forgotten here."""
        with self._lock:
            is_surplus = idle_seconds >= IDLE_SECONDS and len(self._idle) > KEPT_IDLE
            if thread not in self._idle or (self._is_open and not is_surplus):
                return False
            self._idle.remove(thread)
            self._has_less.notify_all()
            return True

    def _admit_first(self) -> None:
        """Have the first of what waits be one of the next: a thread has become free."""
        if self._waiting:
            first = next(iter(self._waiting))
            del self._waiting[first]
            self._next.append(first)

    def _let_next_begin(self) -> None:
        with contextlib.suppress(RuntimeError):  # As in provide_for().
            self._begin_next()

    def _begin_next(self) -> None:
        """Have a thread on its way, if there is work to begin."""
        if not self._next:
            return
        if self._further is not None:
            if self._beginnings.patience() <= 0:
                self._further.wake()
        elif self._has_another() and not any(thread.is_beginning() for thread in self._woken):
            self._further = self._idle.pop() if self._idle else PoolThread(self)
            self._further.wake(self._beginnings.patience())

    def _has_another(self) -> bool:
        """Whether there is a thread that does nothing, or may be one more."""
        return self.limit == 0 or bool(self._idle) or self._count() < self.limit

    def _take_from(self, thread: PoolThread, work: Work) -> None:
        """Have others begin what a thread was given that is held up."""
        thread.given = None
        self._woken.discard(thread)
        self._held_up.add(thread)
        del self._leased[work]
        self._beginnings.remove(work)
        self._next.appendleft(work)

    def _count(self) -> int:
        count = len(self._leased) + len(self._idle) + len(self._held_up)
        return count if self._further is None else count + 1

    def _lease(self, thread: PoolThread, work: Work) -> None:
        self._leased[work] = thread
        self._beginnings.add(work)

    def _take_up(self, thread: PoolThread, work: Work) -> None:
        self._lease(thread, work)
        self._woken.add(thread)
        thread.begin(work)

    def _join(self) -> None:
        """Wait at the interpreter's end for what runs, as it does for asgiref's threads.

        A thread that wakes after that would find no interpreter.
        """
        self.close()
        with self._lock:
            works = [*self._leased, *self._next, *self._waiting]
        for work in works:
            work.close()
        with self._lock:
            self._has_less.wait_for(
                lambda: (
                    not (self._idle or self._leased or self._held_up or self._next or self._waiting)
                    and self._further is None
                )
            )

    def _forget(self) -> None:
        """Have no threads: the child of a fork has only the one that forked."""
        self._lock = threading.Lock()
        self._has_less = threading.Condition(self._lock)
        # Kept all the same: to drop a connection is to close it, for the parent too.
        self._of_the_parent = self._idle, self._leased, self._next, self._waiting, self._woken
        self._others_of_the_parent = self._further, self._held_up
        self._idle, self._leased, self._waiting, self._woken = [], {}, {}, set()
        self._further, self._next, self._beginnings = None, deque(), Beginnings()
        self._held_up, self._looks = set(), Looks(self.look_for_held_up)
