"""Putting ours in the place of asgiref's and Django's, and taking it away; docs/django.md."""

import sys
from typing import TYPE_CHECKING

from casgi.django import leased_thread, releases
from casgi.django.thread_pool import ThreadPool

if TYPE_CHECKING:
    from casgi.django.middleware_seam import PlainMiddleware
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
        self._seams: list[LeasingContexts | PlainMiddleware] = []
        self._sentence = ""

    def begin(self) -> str:
        """Put ours in place. Returns the sentence for the log; end() is then due."""
        self._users += 1
        if self._users == 1:
            self._install()
        return self._sentence

    def end(self) -> None:
        """Take ours away when nobody uses them any more."""
        self._users -= 1
        if self._users == 0:
            for seam in self._seams:
                seam.remove()
            self._seams.clear()
            self._pool.close()

    def _install(self) -> None:
        import django

        # Here, since they need what an untested asgiref or Django may not have.
        from casgi.django.thread_context import LeasingContexts

        self._seams.append(LeasingContexts(self._pool))
        reason = releases.unsupported_middleware()
        if reason is None:
            from casgi.django.middleware_seam import PlainMiddleware

            self._seams.append(PlainMiddleware())
        self._pool.open()
        for seam in self._seams:
            seam.install()
        middleware = (
            "middleware runs together" if reason is None else f"middleware as it is: {reason}"
        )
        self._sentence = (
            f"Django {django.__version__} accelerated: threads are leased; {middleware}"
        )


acceleration = Acceleration()


def unsupported_reason() -> str | None:
    """Return why Django is in use but not to be accelerated, or None."""
    return _green_threads() or leased_thread.unsupported_reason() or releases.unsupported_reason()


def _green_threads() -> str | None:
    """Return which library has put its own threads in the place of Python's, as a sentence."""
    for library, module_name, question, name in _GREEN:
        module = sys.modules.get(module_name)
        if module is not None and getattr(module, question)(name):
            return f"{library} has replaced Python's threads"
    return None
