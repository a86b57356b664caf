"""What waits for one thread, and the running of it; each item's outcome goes to its future."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeAlias

Item: TypeAlias = tuple[Future[Any], Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class Work:
    """The calls for one thread, in order, until there will be no more.

    Shared by who submits and the thread: it keeps neither of them alive.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: SimpleQueue[Item | None] = SimpleQueue()
        self._submitted = 0
        self._finished = 0  # written by the thread alone
        self._is_closed = False
        self._end: Future[None] | None = None

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Queue a call; raise RuntimeError after `close`."""
        future: Future[Any] = Future()
        with self._lock:
            if self._is_closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._submitted += 1
            self._items.put((future, function, args, kwargs))
        return future

    def close(self) -> Future[None] | None:
        """Let the thread go when it has run all: None if it has, else what is done then."""
        with self._lock:
            if self._submitted != self._finished and self._end is None:
                self._end = Future()
                # Running: who waits for it and is cancelled does not cancel it.
                self._end.set_running_or_notify_cancel()
            if not self._is_closed:
                self._is_closed = True
                self._items.put(None)
            return self._end

    def cancel(self) -> None:
        """Cancel what is queued and has not begun."""
        with self._lock:
            items = [self._items.get() for _ in range(self._items.qsize())]
            for item in items:
                if item is not None:
                    item[0].cancel()
                self._items.put(item)

    def run(self) -> None:
        """Run calls, in the thread, until `close`."""
        get = self._items.get
        while (item := get()) is not None:
            self._run(*item)
            del item  # not kept while waiting for the next
        with self._lock:
            end = self._end
        if end is not None:
            end.set_result(None)

    def _run(
        self,
        future: Future[Any],
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        if not future.set_running_or_notify_cancel():
            self._finished += 1
            return
        # Finished before anybody is notified, who may close and give the thread away.
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            self._finished += 1
            future.set_exception(error)
            del future  # the error's traceback refers to this frame
        else:
            self._finished += 1
            future.set_result(result)
