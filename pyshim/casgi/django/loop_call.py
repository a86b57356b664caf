"""A call in a thread whose outcome goes straight to a future of the event loop.

asyncio has two futures for that, one of the thread and one of the loop, and a chain between them.
"""

import asyncio
from asyncio import futures
from collections.abc import Callable
from typing import Any

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
        "_is_told",
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
        self._is_told = False
        self.is_last = False
        self.future: asyncio.Future[Any] = loop.create_future()

    def begin(self) -> bool:
        """Return whether nobody has cancelled it."""
        return not self.future.cancelled()

    def is_cancelled(self) -> bool:
        """Return whether somebody has."""
        return self.future.cancelled()

    def make(self) -> Callable[[], None]:
        """Make it, in the thread; return what tells the loop."""
        function, args = self._function, self._args
        del self._function, self._args
        try:
            self._result = function(*args)
            self.is_last = self._result is LAST
        except BaseException as error:
            self._error = error
        return self._tell_loop

    def cancel(self) -> None:
        """Cancel it, from any thread."""
        self._in_loop(lambda: self.future.cancel())

    def renew(self) -> asyncio.Future[Any]:
        """Return a new future for the outcome, in the loop; the old one was cancelled."""
        self.future = self._loop.create_future()
        if self._is_told:
            self._tell()
        return self.future

    def _tell_loop(self) -> None:
        self._in_loop(self._tell)

    def _in_loop(self, function: Callable[[], Any]) -> None:
        """Have the loop call it; a loop that was closed meanwhile has nobody who waits."""
        try:
            self._loop.call_soon_threadsafe(function)
        except RuntimeError:
            if not self._loop.is_closed():
                raise

    def _tell(self) -> None:
        self._is_told = True
        if self.future.cancelled():
            return
        error, self._error = self._error, None
        if error is None:
            self.future.set_result(self._result)
        elif isinstance(error, StopIteration):
            # As from Python 3.12 on; before, nobody was told.
            told = RuntimeError("StopIteration interacts badly with generators")
            told.__cause__ = error
            self.future.set_exception(told)
        else:
            self.future.set_exception(_converted(error))
