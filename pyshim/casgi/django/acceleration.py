"""Putting ours in the place of asgiref's and Django's, and taking it away; docs/django.md."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from casgi.django import leased_thread, releases
from casgi.django.thread_pool import ThreadPool
from casgi.green_threads import green_library


class Seam(Protocol):
    """A place where ours can stand."""

    def install(self) -> None:
        """Put ours there."""

    def remove(self) -> None:
        """Put back what was there."""


@dataclass(frozen=True)
class Part:
    """Something that is done in another way where Django is what was read.

    Attributes:
        done: for the log's first line; `otherwise` is for when it is not done, with the reason.
        seam: imports and makes what stands in; not called where it may not be there.
        of_module: it is passed over as long as nobody has imported this.

    """

    done: str
    otherwise: str
    unsupported_reason: Callable[[], str | None]
    seam: Callable[[], Seam]
    is_needed_by_others: bool = False
    of_module: str | None = None


def _short_trips() -> Seam:
    from casgi.django.hop import ShortHops

    return ShortHops()


def _files() -> Seam:
    from casgi.django.file_responses import FileResponses

    return FileResponses()


def _static_files() -> Seam:
    from casgi.django.static_files import StaticFiles

    return StaticFiles()


def _middleware() -> Seam:
    from casgi.django.middleware_seam import PlainMiddleware

    return PlainMiddleware()


def _requests() -> Seam:
    from casgi.django.request_seam import Requests

    return Requests()


_PARTS = (
    Part("trips are short", "trips as they are", releases.unsupported_trips, _short_trips),
    Part("files are sent in C", "files as they are", releases.unsupported_files, _files),
    Part(
        "static files without a trip",
        "static files as they are",
        releases.unsupported_static_files,
        _static_files,
        of_module="django.contrib.staticfiles.handlers",
    ),
    Part(
        "middleware runs together",
        "middleware as it is",
        releases.unsupported_middleware,
        _middleware,
        is_needed_by_others=True,
    ),
    Part(
        "requests begin with it", "requests as they are", releases.unsupported_requests, _requests
    ),
)


class Acceleration:
    """Our parts in their places, while at least one server of the process wants them."""

    def __init__(self) -> None:
        self._users = 0
        self._pool = ThreadPool()
        self._seams: list[Seam] = []
        self._sentence = ""
        self._runs_together = False

    def begin(self, threads: int = 0) -> str:
        """Put ours in place. Returns the sentence for the log; end() is then due.

        Args:
            threads: most that requests have at once, of the first user; 0 is no limit.

        """
        self._users += 1
        if self._users == 1:
            self._install(threads)
        return self._sentence

    def end(self) -> None:
        """Take ours away when nobody uses them any more."""
        self._users -= 1
        if self._users == 0:
            for seam in reversed(self._seams):
                seam.remove()
            self._seams.clear()
            self._pool.close()

    def reasons(self) -> list[str]:
        """Return what keeps middleware of the project from running together, a line each."""
        if not self._runs_together:
            return []
        from casgi.django.ways import lines_for_log

        return lines_for_log()

    def thread_counts(self) -> dict[str, int]:
        """Return how many threads there are, how many requests wait, and what was counted."""
        return self._pool.counts()

    def _install(self, threads: int) -> None:
        import django

        # Here, since they need what an untested asgiref or Django may not have.
        from casgi.django.thread_context import LeasingContexts

        self._seams.append(LeasingContexts(self._pool))
        limit = f", at most {threads}" if threads else ""
        parts = [f"threads are leased{limit}"]
        for part in _PARTS:
            if part.of_module is not None and part.of_module not in sys.modules:
                continue
            reason = part.unsupported_reason()
            if reason is None:
                self._seams.append(part.seam())
            parts.append(part.done if reason is None else f"{part.otherwise}: {reason}")
            if part.is_needed_by_others:
                self._runs_together = reason is None
                if reason is not None:
                    break
        self._pool.open(threads)
        for seam in self._seams:
            seam.install()
        self._sentence = f"Django {django.__version__} accelerated: {'; '.join(parts)}"


acceleration = Acceleration()


def unsupported_reason() -> str | None:
    """Return why Django is in use but not to be accelerated, or None."""
    return _green_threads() or leased_thread.unsupported_reason() or releases.unsupported_reason()


def _green_threads() -> str | None:
    """Return which library has put its own threads in the place of Python's, as a sentence."""
    library = green_library()
    return None if library is None else f"{library} has replaced Python's threads"
