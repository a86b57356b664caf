"""Putting our parts in the place of asgiref's, and taking them away; docs/django.md."""

import sys
from typing import TYPE_CHECKING

from casgi.django import leased_thread, releases
from casgi.django.thread_pool import ThreadPool

if TYPE_CHECKING:
    from casgi.django.thread_context import LeasingContexts

_GREEN = (
    ("gevent", "gevent.monkey", "is_module_patched", "threading"),
    ("eventlet", "eventlet.patcher", "is_monkey_patched", "thread"),
)


class Acceleration:
    """Our parts in their places, while at least one server of the process wants them."""

    def __init__(self) -> None:
        self._users = 0
        self._pool = ThreadPool()
        self._contexts: LeasingContexts | None = None

    def begin(self) -> str:
        """Put ours in place. Returns the sentence for the log; end() is then due."""
        import django

        self._users += 1
        if self._contexts is None:
            self._install()
        return f"Django {django.__version__} accelerated: threads are leased"

    def end(self) -> None:
        """Take ours away when nobody uses them any more."""
        self._users -= 1
        if self._users == 0 and self._contexts is not None:
            self._contexts.remove()
            self._contexts = None
            self._pool.close()

    def _install(self) -> None:
        # Here, since it needs what an untested asgiref may not have.
        from casgi.django.thread_context import LeasingContexts

        self._pool.open()
        self._contexts = LeasingContexts(self._pool)
        self._contexts.install()


acceleration = Acceleration()


def obstacle() -> str | None:
    """Return why Django is in use but not to be accelerated, or None."""
    return _green_threads() or leased_thread.obstacle() or releases.obstacle()


def _green_threads() -> str | None:
    """Return which library has put its own threads in the place of Python's, as a sentence."""
    for library, module_name, question, name in _GREEN:
        module = sys.modules.get(module_name)
        if module is not None and getattr(module, question)(name):
            return f"{library} has replaced Python's threads"
    return None
