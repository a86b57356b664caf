"""Threads that take turns with the event loop: one of them all runs at a time.

Which one, and until where, is decided here and not by the system, so that synchronous consumers
act in the same order in every run. A thread gives its turn back when its call ends, when it waits
for the loop (async_to_sync) and when it waits for a gate.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from asgiref.current_thread_executor import CurrentThreadExecutor

SECONDS_FOR_ONE_TURN = 20


class Call:
    """A function that a thread runs for the loop."""

    def __init__(
        self,
        function: Callable[[], Any],
        executor: Executor,
        future: asyncio.Future[Any],
        returned: threading.Semaphore,
    ) -> None:
        self.function = function
        self.executor = executor
        self.future = future
        self.has_started = False
        self.is_over = False
        self.can_go_on: Callable[[], bool] | None = None
        self._outcome: Callable[[], None] = bool
        self._turn = threading.Semaphore(0)
        self._returned = returned

    def give_turn(self) -> None:
        """Run the thread until it gives the turn back; called by the loop's thread."""
        self.has_started = True
        self._turn.release()
        assert self._returned.acquire(timeout=SECONDS_FOR_ONE_TURN), "a thread waits unseen"
        if self.is_over and not self.future.cancelled():
            self._outcome()

    def run(self) -> None:
        """Do all of it, in the thread."""
        self._turn.acquire()
        running.call = self
        try:
            if not self.future.cancelled():
                result = self.function()
                self._outcome = lambda: self.future.set_result(result)
        except BaseException as error:
            failure = error
            self._outcome = lambda: self.future.set_exception(failure)
        finally:
            running.call = None
            self.is_over = True
            self._returned.release()

    def wait(self, can_go_on: Callable[[], bool]) -> None:
        """Give the turn back, in the thread, until the condition holds."""
        self.can_go_on = can_go_on
        self._returned.release()
        self._turn.acquire()
        self.can_go_on = None


class _Running(threading.local):
    call: Call | None = None


running = _Running()


class Turns:
    """The calls of one loop that have not ended, in the order in which they came."""

    def __init__(self) -> None:
        self.chance: random.Random | None = None
        """Decides who is next; without it, the one that came first."""
        self._calls: list[Call] = []
        self._returned = threading.Semaphore(0)
        self._pool = ThreadPoolExecutor(max_workers=32)

    def submit(
        self, executor: Executor | None, function: Callable[[], Any], future: asyncio.Future[Any]
    ) -> None:
        if isinstance(executor, CurrentThreadExecutor):
            raise NotImplementedError("synchronous code below asynchronous code below synchronous")
        call = Call(function, executor or self._pool, future, self._returned)
        self._calls.append(call)
        call.executor.submit(call.run)

    def take_one(self) -> bool:
        """Give one thread a turn; return whether there was one that could use it."""
        ready = [call for call in self._calls if self._can_run(call)]
        if not ready:
            return False
        call = self.chance.choice(ready) if self.chance else ready[0]
        call.give_turn()
        if call.is_over:
            self._calls.remove(call)
        return True

    def close(self) -> None:
        self._pool.shutdown()

    def _can_run(self, call: Call) -> bool:
        if call.can_go_on is not None:
            return call.can_go_on()
        if call.executor is self._pool:
            return True
        # All other executors have one thread each.
        return call is next(other for other in self._calls if other.executor is call.executor)


@contextmanager
def seen_waiting() -> Iterator[None]:
    """Let threads that wait in async_to_sync give their turn back."""
    run_until_future = CurrentThreadExecutor.run_until_future

    def wait_first(self: CurrentThreadExecutor, future: Any) -> None:
        if running.call is not None:
            running.call.wait(future.done)
        run_until_future(self, future)

    with patch.object(CurrentThreadExecutor, "run_until_future", wait_first):
        yield
