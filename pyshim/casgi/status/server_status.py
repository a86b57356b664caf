"""What a single process says of its server."""

import os
from collections.abc import Mapping

from casgi import _core
from casgi.process_usage import resident_bytes
from casgi.status.exposition import (
    Family,
    counts,
    exposition,
    hub_families,
    observed_families,
)
from casgi.status.observed import Observed


def server_metrics(core: _core.Server, observed: Observed, hub: Mapping[str, int]) -> str:
    """Return the page for Prometheus, with what was observed, and what its hub has counted."""
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
                "casgi_loop_delay_seconds",
                "gauge",
                "How long the turn of the event loop lasts by now; 0 while it waits.",
                {"1": core.turn_seconds},
                "worker",
            ),
            Family(
                "casgi_memory_bytes",
                "gauge",
                "Memory in RAM.",
                {"server": resident_bytes(os.getpid())},
                "process",
            ),
            *hub_families(hub),
        ]
    )
