"""Calls on the queue of a ThreadPoolExecutor of one thread, which asgiref has for all of a process.

Its `submit()` makes a future of which nobody but the event loop would hear. Where the executor is
Python's own, with a thread that takes calls from its queue, a call is put there without one.
"""

from concurrent.futures import ThreadPoolExecutor, thread
from typing import Any, Protocol

from casgi.origin import Watch, WatchedCode, change_in, function_fingerprint

# SHA-256 of their sources, from Python 3.11 on.
_SUBMIT = "ebb50c56c3309ddd557e7ead7260ff7142e5af2aa7d312defb70e5ea5cc4bfcb"
_WORKERS = {
    "5ceeb95c054d8d977bd17a9454176749fe7f01c83bf5f08531e0f359b64d8b9e",
    "aee5eb6b05d626f2a2c45c82ec715721ca8d48f2648e0a6357567bfb0c5d0b51",  # from 3.12 on
}
_module: Any = thread
_WORK_ITEM: Any = thread._WorkItem
_METHODS = {ThreadPoolExecutor: ("submit", "shutdown"), _WORK_ITEM: ("__init__", "run")}


class Queued(Protocol):
    """What can be put on the queue."""

    def run_here(self) -> None:
        """Make the call, in the thread."""

    def cancel(self) -> None:
        """Let it not be made; from any thread."""


class _Item:
    """A call as the executor's thread and shutdown() see it."""

    __slots__ = ("future", "run")

    def __init__(self, call: Queued) -> None:
        self.run = call.run_here
        self.future = call  # of which shutdown() calls cancel()


class ExecutorQueue:
    """Puts calls there, as long as executors are what was read."""

    def __init__(self) -> None:
        """Look at Python's executors."""
        self._code = WatchedCode(_look)
        self._code.change()

    def put(self, executor: ThreadPoolExecutor, call: Queued) -> bool:
        """Queue a call; False if it has to be submitted, to start the thread or to be refused."""
        if self._code.change() is not None or "submit" in vars(executor):
            return False  # Tools that follow calls into threads stand there.
        state: Any = executor
        with state._shutdown_lock, _module._global_shutdown_lock:
            is_ready = state._threads and state._max_workers == 1 and state._initializer is None
            if not is_ready or state._broken or state._shutdown or _module._shutdown:
                return False
            state._work_queue.put(_Item(call))
        return True


def _look() -> Watch | str:
    """Return a watch over what was read, or what is different from that."""
    name = thread.__name__
    methods = [(owner, each) for owner, names in _METHODS.items() for each in names]
    change = change_in(name, ["_worker", *(f"{owner.__name__}.{each}" for owner, each in methods)])
    if change is not None:
        return change
    submit = function_fingerprint(ThreadPoolExecutor.submit)
    if submit != _SUBMIT or function_fingerprint(_module._worker) not in _WORKERS:
        return f"{name} is not of the code that was tested"
    return Watch([(thread, "_worker"), (thread, "_WorkItem"), *methods])
