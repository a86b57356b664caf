"""What a single process says of its server."""

import os

from casgi import _core
from casgi.status.exposition import Family, counts, exposition, observed_families
from casgi.status.observed import Observed
from casgi.supervisor.recycling import resident_bytes


def server_metrics(core: _core.Server, scoreboard: _core.Scoreboard, slot: int) -> str:
    """Return the page for Prometheus, with what is observed in a slot."""
    observed = Observed()
    observed.add(*scoreboard.observed(slot))
    return exposition(
        [
            *counts(core.metrics()),
            *observed_families(observed, _core.Scoreboard.bounds()),
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
