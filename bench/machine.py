"""What the figures were measured on."""

import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.errors import BenchError
from bench.process import Cores


def describe() -> Mapping[str, str]:
    """Return the machine and the interpreter as named lines."""
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    return {
        "CPU": f"{_cpu_model()}, {os.cpu_count()} cores",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "interpreter": sys.executable,
        "load before": load,
    }


def choose_cores(server: int | None, client: int | None) -> Cores:
    """Return the cores asked for, else the first two that this process may use."""
    usable = sorted(os.sched_getaffinity(0))
    chosen = Cores(
        usable[0] if server is None else server,
        usable[1 % len(usable)] if client is None else client,
    )
    for core in (chosen.server, chosen.client):
        if core not in usable:
            raise BenchError(f"core {core} is not among the usable ones: {usable}")
    return chosen


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
