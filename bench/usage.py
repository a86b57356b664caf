"""What a server costs: CPU time and resident memory, summed over every process of its session.

All figures come from /proc (see proc(5)). A server with a master and workers, or with a helper
process, is charged for all of them.
"""

import os
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
SESSION, USER_TIME, SYSTEM_TIME = 3, 11, 12  # fields of /proc/PID/stat, counted after the name
RESET_PEAK = "5"  # written to /proc/PID/clear_refs


@dataclass(frozen=True)
class CpuTime:
    """Seconds of CPU since the processes began."""

    user: float
    system: float

    @property
    def total(self) -> float:
        """User and system seconds together."""
        return self.user + self.system

    def __sub__(self, earlier: "CpuTime") -> "CpuTime":
        return CpuTime(self.user - earlier.user, self.system - earlier.system)


class SessionUsage:
    """Reads the figures of all processes in one session (as made by ``setsid``)."""

    def __init__(self, session: int) -> None:
        self.session = session

    def processes(self) -> list[int]:
        """Return the ids of the processes that are in the session now."""
        return [pid for pid, fields in _all_stat_fields() if int(fields[SESSION]) == self.session]

    def cpu(self) -> CpuTime:
        """Return the CPU time so far; the kernel counts it in hundredths of a second."""
        user = system = 0
        for _, fields in _all_stat_fields():
            if int(fields[SESSION]) == self.session:
                user += int(fields[USER_TIME])
                system += int(fields[SYSTEM_TIME])
        return CpuTime(user / TICKS_PER_SECOND, system / TICKS_PER_SECOND)

    def resident_kib(self) -> int:
        """Return the resident memory now, in KiB."""
        return sum(_status_kib(pid, "VmRSS") for pid in self.processes())

    def peak_kib(self) -> int:
        """Return the highest resident memory since :meth:`reset_peak`, in KiB."""
        return sum(_status_kib(pid, "VmHWM") for pid in self.processes())

    def reset_peak(self) -> None:
        """Let the peak start again from the memory that is resident now."""
        for pid in self.processes():
            Path(f"/proc/{pid}/clear_refs").write_text(RESET_PEAK)


def _all_stat_fields() -> list[tuple[int, list[str]]]:
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                text = Path(entry.path, "stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended meanwhile
            found.append((int(entry.name), text.rpartition(")")[2].split()))
    return found


def _status_kib(pid: int, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)
