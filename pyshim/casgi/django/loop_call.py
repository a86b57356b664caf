"""A call in a thread whose outcome goes straight to a future of the event loop.

asyncio has two futures for that, one of the thread and one of the loop, and a chain between them.
"""

import asyncio
from asyncio import futures
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from casgi.django.trip_outcome import TripOutcome
from casgi.django.work import LAST

# What asyncio does to the errors of executors' futures.
_converted: Callable[[BaseException], BaseException] = getattr(
    futures, "_convert_future_exc", lambda error: error
)


class LoopCall:
    """A call of the event loop's thread in another one.

    Attributes:
        future: of the loop; who cancels it before the call begins prevents it.
        is_last: it has returned LAST: who calls has no other call for the thread.

    """

    __slots__ = (
        "_args",
        "_error",
        "_function",
        "_is_notified",
        "_loop",
        "_result",
        "future",
        "is_last",
    )

    def __init__(
        self, loop: asyncio.AbstractEventLoop, function: Callable[..., Any], args: tuple[Any, ...]
    ) -> None:
        self._loop = loop
        self._function = function
        self._args = args
        self._result: Any = None
        self._error: BaseException | None = None
        self._is_notified = False
        self.is_last = False
        self.future = self._new_future()

    def _new_future(self) -> Any:
        return self._loop.create_future()

    def submit_to(self, executor: ThreadPoolExecutor) -> None:
        """Have an executor make it; one that drops what it has not begun cancels it."""
        executor.submit(self.run_here).add_done_callback(self._on_end)

    def run_here(self) -> None:
        """Make it in the calling thread, and tell the loop."""
        if self.begin():
            self.make()()

    def _on_end(self, future: Future[None]) -> None:
        if future.cancelled():
            self.cancel()
        elif (error := future.exception()) is not None:  # The thread could not begin.
            self._error = error
            self._notify_loop()

    def begin(self) -> bool:
        """Return whether nobody has cancelled it."""
        return not self.future.cancelled()

    def is_cancelled(self) -> bool:
        """Return whether somebody has."""
        return bool(self.future.cancelled())

    def make(self) -> Callable[[], None]:
        """Make it, in the thread; return what notifies the loop."""
        function, args = self._function, self._args
        del self._function, self._args
        try:
            self._result = function(*args)
            self.is_last = self._result is LAST
        except BaseException as error:
            self._error = error
        return self._notify_loop

    def cancel(self) -> None:
        """Cancel it, from any thread."""
        self._in_loop(lambda: self.future.cancel())

    def renew(self) -> asyncio.Future[Any]:
        """Return a new future for the outcome, in the loop; the old one was cancelled."""
        self.future = renewed = self._loop.create_future()
        if self._is_notified:
            self._notify()
        return renewed

    def _notify_loop(self) -> None:
        self._in_loop(self._notify)

    def _outcome(self) -> tuple[Any, BaseException | None]:
        error, self._error = self._error, None
        if isinstance(error, StopIteration):
            # As from Python 3.12 on; before, nobody heard of it.
            failure = RuntimeError("StopIteration interacts badly with generators")
            failure.__cause__ = error
            return None, failure
        return self._result, None if error is None else _converted(error)

    def _in_loop(self, function: Callable[[], Any]) -> None:
        self._try(partial(self._loop.call_soon_threadsafe, function))

    def _try(self, tell: Callable[[], object]) -> None:
        """Tell the loop something; one that was closed meanwhile has nobody who waits."""
        try:
            tell()
        except RuntimeError:
            if not self._loop.is_closed():
                raise

    def _notify(self) -> None:
        self._is_notified = True
        if self.future.done():
            return
        self._settle(*self._outcome())

    def _settle(self, result: Any, error: BaseException | None) -> None:
        if error is None:
            self.future.set_result(result)
        else:
            self.future.set_exception(error)


class TripCall(LoopCall):
    """One for whose outcome a task waits, which is woken by the thread itself."""

    __slots__ = ("_told",)

    def __init__(
        self, loop: asyncio.AbstractEventLoop, function: Callable[..., Any], args: tuple[Any, ...]
    ) -> None:
        self._told: TripOutcome | None = None
        super().__init__(loop, function, args)

    def _new_future(self) -> Any:
        return TripOutcome(self._loop)

    def renew(self) -> asyncio.Future[Any]:
        """Return a future of asyncio for the outcome, in the loop; the old one was cancelled."""
        self._told = self.future
        self.future = renewed = self._loop.create_future()
        self._pass_on()
        return renewed

    def _notify_loop(self) -> None:
        future = self.future
        if type(future) is TripOutcome:
            self._try(partial(future.tell, *self._outcome()))
            if self.future is not future:  # It was renewed meanwhile.
                self._in_loop(self._pass_on)
        else:
            super()._notify_loop()

    def _pass_on(self) -> None:
        told = self._told
        if told is not None and told.is_told and not self.future.done():
            self._settle(*told.take())
