"""Processes that are nobody's children here."""

import contextlib
import os
import select
from pathlib import Path

from support.casgi_process import DEADLINE


def is_alive(pid: int) -> bool:
    """Whether there is a process, which is not just one whose end nobody has noted."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def wait_for_end(pid: int) -> None:
    """Return when a process that need not be our child has ended."""
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            assert poll.poll(DEADLINE * 1000), f"process {pid} goes on"
        finally:
            os.close(descriptor)
