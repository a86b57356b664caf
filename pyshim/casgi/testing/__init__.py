"""For tests: a server in a thread of the test process, a bad network, and what Channels imports."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from casgi.testing.live_server import LiveServer
    from casgi.testing.relay import Relay
    from casgi.testing.stand_in import stand_in_for_daphne

__all__ = ["LiveServer", "Relay", "stand_in_for_daphne"]

# Loaded when asked for: pytest imports this package in every project of the environment.
_HOMES = {
    "LiveServer": "casgi.testing.live_server",
    "Relay": "casgi.testing.relay",
    "stand_in_for_daphne": "casgi.testing.stand_in",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
