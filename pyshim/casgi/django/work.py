"""What waits for one thread, and the running of it; each call's outcome goes to its future."""

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, Protocol

LAST = object()
"""What a call returns that is its thread's last: see `Call.is_last`."""


class Call(Protocol):
    """A call with somebody who waits for its outcome.

    Attributes:
        is_last: no other follows, as far as is known when it has been made.

    """

    is_last: bool

    def begin(self) -> bool:
        """Return whether it is still to be made."""

    def make(self) -> Callable[[], None]:
        """Make it, in the thread; return what notifies the one who waits."""

    def cancel(self) -> None:
        """Let it not be made if it has not begun."""

    def is_cancelled(self) -> bool:
        """Return whether nobody wants it any more."""


class FutureCall:
    """A call as executors have it: any thread may wait for its future."""

    is_last = False

    def __init__(self, function: Callable[..., Any], args: Any, kwargs: Any) -> None:
        self.future: Future[Any] = Future()
        self._call = function, args, kwargs

    def begin(self) -> bool:
        """Return whether nobody has cancelled it."""
        return self.future.set_running_or_notify_cancel()

    def make(self) -> Callable[[], None]:
        """Make it."""
        function, args, kwargs = self._call
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            return _Notification(self.future.set_exception, error)
        return _Notification(self.future.set_result, result)

    def cancel(self) -> None:
        """Cancel it."""
        self.future.cancel()

    def is_cancelled(self) -> bool:
        """Return whether somebody has."""
        return self.future.cancelled()


class _Notification:
    """Tells an outcome, once: an error's traceback must not keep what it has come through."""

    __slots__ = ("_notify", "_outcome")

    def __init__(self, notify: Callable[[Any], None], outcome: Any) -> None:
        self._notify, self._outcome = notify, outcome

    def __call__(self) -> None:
        self._notify(self._outcome)


class Work:
    """The calls for one thread, in order, until there will be no more.

    Shared by who submits and the thread: it keeps neither of them alive.

    Attributes:
        is_over: the thread has gone with the last call, and takes no other.
        is_shared: nobody knows which call is the last.

    """

    def __init__(self, is_shared: bool = False) -> None:
        self._lock = threading.Lock()
        self._calls: SimpleQueue[Call | None] = SimpleQueue()
        self._submitted = 0
        self._finished = 0  # written by the thread alone
        self._is_closed = False
        self._end: Future[None] | None = None
        self.is_over = False
        self.is_shared = is_shared

    def submit(self, call: Call) -> bool:
        """Queue a call, unless the work is over; raise RuntimeError after `close`."""
        with self._lock:
            if self.is_over:
                return False
            if self._is_closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._submitted += 1
            self._calls.put(call)
            return True

    def close(self) -> Future[None] | None:
        """Let the thread go when it has run all: None if it has, else what is done then."""
        if self.is_over:
            return None
        with self._lock:
            if self._submitted != self._finished and self._end is None:
                self._end = Future()
                # Running: who waits for it and is cancelled does not cancel it.
                self._end.set_running_or_notify_cancel()
            if not self._is_closed and not self.is_over:
                self._is_closed = True
                self._calls.put(None)
            return self._end

    def cancel(self) -> None:
        """Cancel what is queued and has not begun."""
        for call in self._queued():
            call.cancel()

    def is_wanted(self) -> bool:
        """Whether a call is queued that nobody has cancelled."""
        return not all(call.is_cancelled() for call in self._queued())

    def _queued(self) -> list[Call]:
        """Return the calls that wait; the thread may take some meanwhile."""
        calls: list[Call | None] = []
        with self._lock:
            with contextlib.suppress(Empty):
                while True:
                    calls.append(self._calls.get_nowait())
            for call in calls:
                self._calls.put(call)
        return [call for call in calls if call is not None]

    def run(self, let_go: Callable[["Work"], None]) -> None:
        """Make the calls, in the thread, until `close` or the last; `let_go` is called then."""
        get = self._calls.get
        is_over = False
        while not is_over and (call := get()) is not None:
            notify = call.make() if call.begin() else None
            # Finished before anybody is notified, who may close and give the thread away.
            self._finished += 1
            is_over = call.is_last and self._ends_itself()
            if is_over:
                let_go(self)
            if notify is not None:
                notify()
            del call, notify  # not kept while waiting for the next
        with self._lock:
            end = self._end
        if end is not None:
            end.set_result(None)

    def _ends_itself(self) -> bool:
        """Take no more calls, if there are none."""
        with self._lock:
            is_done = self._submitted == self._finished and not self._is_closed
            self.is_over = is_done and not self.is_shared
            return self.is_over
