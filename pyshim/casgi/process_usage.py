"""What a process of this machine uses, as Linux says it in /proc."""

import os
from pathlib import Path


def resident_bytes(pid: int) -> int:
    """Return the memory that a process has in RAM, 0 if that is not known."""
    try:
        fields = Path(f"/proc/{pid}/statm").read_text("ascii").split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def cpu_seconds(pid: int) -> float:
    """Return how long a process has run on processors, 0 if that is not known."""
    try:
        # The name of its program, in parentheses, may have anything in it.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0
