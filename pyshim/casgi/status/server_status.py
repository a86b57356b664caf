"""What a single process says of its server."""

import os

from casgi import _core
from casgi.status.exposition import Family, counts, exposition
from casgi.supervisor.recycling import resident_bytes


def server_metrics(core: _core.Server) -> str:
    """Return the page for Prometheus."""
    return exposition(
        [
            *counts(core.metrics()),
            Family("casgi_workers", "gauge", "Workers that serve.", {"": 1}),
            Family(
                "casgi_open_connections",
                "gauge",
                "Connections that are open.",
                {"1": core.connections},
                "worker",
            ),
            Family(
                "casgi_memory_bytes",
                "gauge",
                "Memory in RAM.",
                {"server": resident_bytes(os.getpid())},
                "process",
            ),
        ]
    )
