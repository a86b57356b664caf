"""What threading.current_thread() is while a context has a thread: an object of that context alone.

The thread of the system goes on to the next context; Python must not see that. Whatever is kept on
the object, under its name, or by `_threading_local` for it, ends with it.
"""

import itertools
import sys
import threading
from collections.abc import Callable
from typing import Any

_numbers = itertools.count(1)
_needed_of_threads = ("_bootstrap_inner", "_set_ident")
_needed_of_module = ("_limbo", "_active", "_active_limbo_lock", "_register_atexit")
# From 3.13 on a thread that somebody else has started needs a handle, as threading's own dummies.
_make_handle: Any = getattr(threading, "_make_thread_handle", None)


def unsupported_reason() -> str | None:
    """Return why threads cannot be leased on this Python, or None."""
    missing = [name for name in _needed_of_threads if not hasattr(threading.Thread, name)]
    missing += [name for name in _needed_of_module if not hasattr(threading, name)]
    if missing:
        return f"this Python's threading has no {', '.join(missing)}"
    return None


# What Thread.__init__ sets. Most of its cost is what tells others of the thread's start, which is
# over when anybody sees one of ours.
_INIT = vars(threading.Thread)["__init__"]
_ATTRIBUTES = dict(vars(threading.Thread(name="casgi-context", daemon=False)))


class _Started(threading.Event):
    """That of threads which have started: nobody waits for it."""

    def __init__(self) -> None:
        super().__init__()
        super().set()

    def set(self) -> None:
        """Let it be set."""


_ATTRIBUTES["_started"] = _Started()


class LeasedThread(threading.Thread):
    """A Thread that is run by the calling thread, in a thread state that was made for it."""

    def __init__(self, target: Callable[[], None]) -> None:
        # As asgiref's: threads that a view starts inherit that they are no daemons.
        name = f"casgi-context-{next(_numbers)}"
        if vars(threading.Thread)["__init__"] is _INIT:
            vars(self).update(_ATTRIBUTES, _name=name, _stderr=sys.stderr)
        else:  # Somebody counts on seeing every thread.
            super().__init__(name=name, daemon=False)
        self._run_lease = target

    def run(self) -> None:
        """Run what it was made for."""
        try:
            self._run_lease()
        finally:
            del self._run_lease

    def run_here(self) -> None:
        """Do all that a new thread does: it is known, traced if threads are, runs, and ends."""
        module: Any = threading
        with module._active_limbo_lock:
            module._limbo[self] = self
        handle = None
        if _make_handle is not None:
            handle = self._handle = _make_handle(threading.get_ident())
        try:
            self._bootstrap_inner()  # type: ignore[attr-defined]
        finally:
            if handle is not None:
                handle._set_done()
