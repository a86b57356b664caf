"""The end of child processes, those included that nobody has started here.

The first process of a container becomes the parent of whatever is left behind in it, and has to
take note of their end, or they stay in the table of processes for ever.
"""

import asyncio
import os
import signal
from types import TracebackType


class Children:
    """Waits for every child of this process while entered."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ends: dict[int, asyncio.Future[int]] = {}

    def __enter__(self) -> "Children":
        self._loop.add_signal_handler(signal.SIGCHLD, self.reap)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.remove_signal_handler(signal.SIGCHLD)

    def end_of(self, pid: int) -> "asyncio.Future[int]":
        """Return what will be the exit code of a child just started: negative for a signal's."""
        return self._ends.setdefault(pid, self._loop.create_future())

    def reap(self) -> None:
        """Take note of those that have ended. SIGCHLD does so by itself."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            end = self._ends.pop(pid, None)
            if end is not None and not end.done():
                end.set_result(os.waitstatus_to_exitcode(status))
