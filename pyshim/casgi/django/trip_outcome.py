"""What a task awaits that waits for a thread: a future whose task the thread itself wakes.

An outcome that goes to a future of asyncio is set there by one call of the loop, which then
schedules another that wakes the task. Here the first call is the one that wakes it.

    loop    add_done_callback: sets _waiting, then looks at is_told    } the token is taken
    thread  tell:              sets is_told, then looks at _waiting    } once, by one of them
"""

import asyncio
import contextvars
from collections.abc import Callable, Generator
from typing import Any, TypeAlias

_Waiting: TypeAlias = tuple[Callable[[Any], object], contextvars.Context | None]


class TripOutcome:
    """The part of asyncio.Future that a task uses, for one task.

    Attributes:
        is_told: the outcome is there.
        is_raised: it was an error, which was raised, and is not kept.

    """

    __slots__ = (
        "_asyncio_future_blocking",
        "_error",
        "_is_cancelled",
        "_loop",
        "_result",
        "_token",
        "_waiting",
        "is_raised",
        "is_told",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._asyncio_future_blocking = False
        self._loop = loop
        self._token = [True]
        self._waiting: _Waiting | None = None
        self._is_cancelled = False
        self._result: Any = None
        self._error: BaseException | None = None
        self.is_told = False
        self.is_raised = False

    def tell(self, result: Any, error: BaseException | None) -> None:
        """Wake the task that waits, with an outcome; from any thread, once."""
        self._result, self._error = result, error
        self.is_told = True
        waiting = self._waiting
        if waiting is not None and self._takes_token():
            self._loop.call_soon_threadsafe(waiting[0], self, context=waiting[1])

    def _takes_token(self) -> bool:
        try:
            return self._token.pop()
        except IndexError:
            return False

    def __await__(self) -> Generator[Any, None, Any]:
        """Wait for it."""
        self._asyncio_future_blocking = True
        yield self
        return self.result()

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """As asyncio.Future."""
        return self._loop

    def add_done_callback(
        self,
        callback: Callable[[Any], object],
        *,
        context: contextvars.Context | None = None,
    ) -> None:
        """As asyncio.Future, for one callback."""
        self._waiting = callback, context
        if self._is_cancelled or (self.is_told and self._takes_token()):
            self._loop.call_soon(callback, self, context=context)

    def cancel(self, msg: object = None) -> bool:
        """As asyncio.Future: the one that waits goes on without an outcome."""
        if not self._takes_token():
            return False
        self._is_cancelled = True
        if self._waiting is not None:
            callback, context = self._waiting
            self._loop.call_soon(callback, self, context=context)
        return True

    def cancelled(self) -> bool:
        """As asyncio.Future."""
        return self._is_cancelled

    def done(self) -> bool:
        """As asyncio.Future."""
        return self._is_cancelled or self.is_told

    def result(self) -> Any:
        """As asyncio.Future; the error, if it is one, is raised once."""
        if self._is_cancelled:
            raise asyncio.CancelledError
        if not self.is_told:
            raise asyncio.InvalidStateError("Result is not set.")
        result, error = self.take()
        if error is not None:
            self.is_raised = True
            try:
                raise error
            finally:
                del error
        return result

    def take(self) -> tuple[Any, BaseException | None]:
        """Return what was told; an error is not kept, whose traceback may hold what has it."""
        error, self._error = self._error, None
        return self._result, error
