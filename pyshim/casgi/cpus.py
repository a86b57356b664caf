"""How many CPUs this process may use: what `--workers auto` counts."""

import contextlib
import os
from pathlib import Path

_CPU_MAX = Path("/sys/fs/cgroup/cpu.max")


def available_cpus() -> int:
    """Return the CPUs of this process's affinity, or of its container's share if that is less."""
    with contextlib.suppress(AttributeError):
        return max(1, min(len(os.sched_getaffinity(0)), _share_of_container()))
    return os.cpu_count() or 1


def _share_of_container() -> int:
    """Return the whole CPUs of a limit of cgroup v2; without one, a great many."""
    with contextlib.suppress(OSError, ValueError):
        quota, period = _CPU_MAX.read_text("ascii").split()
        return int(quota) // int(period)
    return 1 << 16
