"""For tests: a server in a thread of the test process, a bad network, and what Channels imports."""

from typing import TYPE_CHECKING

from casgi.lazy import lazy_names

if TYPE_CHECKING:
    from casgi.testing.live_server import LiveServer
    from casgi.testing.relay import Relay
    from casgi.testing.stand_in import stand_in_for_daphne

__all__ = ["LiveServer", "Relay", "stand_in_for_daphne"]

# Loaded when asked for: pytest imports this package in every project of the environment.
__getattr__ = lazy_names(
    __name__,
    {
        "LiveServer": "casgi.testing.live_server",
        "Relay": "casgi.testing.relay",
        "stand_in_for_daphne": "casgi.testing.stand_in",
    },
)
