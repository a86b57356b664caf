"""What the system lets a process have: connections that wait, and descriptors."""

import resource
from collections.abc import Iterator
from pathlib import Path

from casgi.checking.findings import Finding
from casgi.sockets import DEFAULT_BACKLOG

_SOMAXCONN = Path("/proc/sys/net/core/somaxconn")
# Of the process itself: logs, libraries, the loop's, the application's database and others.
_OWN_DESCRIPTORS = 64
_FEW_DESCRIPTORS = 4096


def check_system(connections: int = 0, somaxconn: Path = _SOMAXCONN) -> Iterator[Finding]:
    """Compare the system's limits with what a server needs for --max-connections; 0: for many."""
    yield from _check_backlog(somaxconn)
    yield _check_descriptors(resource.getrlimit(resource.RLIMIT_NOFILE)[0], connections)


def _check_backlog(somaxconn: Path) -> Iterator[Finding]:
    try:
        most = int(somaxconn.read_text())
    except (OSError, ValueError):
        return
    if most >= DEFAULT_BACKLOG:
        yield Finding("ok", "backlog", f"the system lets {most} connections wait to be accepted")
        return
    yield Finding(
        "warning",
        "backlog",
        f"the system lets {most} connections wait to be accepted, and casgi asks for"
        f" {DEFAULT_BACKLOG}: when many clients come back at once, others have to try again",
        f"sysctl net.core.somaxconn={DEFAULT_BACKLOG}",
    )


def _check_descriptors(limit: int, wanted: int) -> Finding:
    if limit == resource.RLIM_INFINITY:
        return Finding("ok", "descriptors", "any number of files and connections")
    connections = max(limit - _OWN_DESCRIPTORS, 0)
    text = f"{limit} files and connections per process, so about {connections} clients at once"
    if connections < wanted:
        text += f", fewer than --max-connections {wanted}"
    elif limit >= _FEW_DESCRIPTORS or wanted:
        return Finding("ok", "descriptors", text)
    remedy = "ulimit -n 65536 before casgi; in a systemd unit LimitNOFILE=65536"
    return Finding("warning", "descriptors", text, remedy)
