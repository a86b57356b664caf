"""What is said of one worker without asking it."""

from collections.abc import Mapping

from casgi.control.protocol import Row
from casgi.supervisor.recycling import resident_bytes

_SLOW = ("slow_closed", "slow_dropped_oldest", "slow_dropped_newest")


def worker_row(
    *,
    worker: int,
    pid: int,
    state: str,
    age: float,
    connections: int,
    held_up: float | None,
    metrics: Mapping[str, int],
) -> Row:
    """Return the row; `held_up` is for how long its turn lasts, None where nobody looks."""
    return {
        "worker": worker,
        "pid": pid,
        "state": state,
        "age": round(age, 1),
        "connections": connections,
        "requests": metrics.get("requests", 0),
        "messages_in": metrics.get("messages_received", 0),
        "messages_out": metrics.get("messages_sent", 0),
        "slow": sum(metrics.get(name, 0) for name in _SLOW),
        "memory": resident_bytes(pid),
        "held_up": None if held_up is None else round(held_up, 3),
    }
