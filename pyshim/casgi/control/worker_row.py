"""What is said of one worker without asking it."""

from collections.abc import Mapping

from casgi.control.protocol import Row
from casgi.process_usage import cpu_seconds, resident_bytes
from casgi.status.observed import Observed

_SLOW = ("slow_closed", "slow_dropped_oldest", "slow_dropped_newest")


def worker_row(
    *,
    worker: int,
    pid: int,
    state: str,
    age: float,
    connections: int,
    held_up: float,
    metrics: Mapping[str, int],
    observed: Observed,
) -> Row:
    """Return the row; `held_up` is how long its turn lasts by now, `turns` how long others did."""
    return {
        "worker": worker,
        "pid": pid,
        "state": state,
        "age": round(age, 1),
        "connections": connections,
        "requests": metrics.get("requests", 0),
        "failed": metrics.get("responses_failed", 0),
        "websockets": observed.values["websockets"],
        "messages_in": metrics.get("messages_received", 0),
        "messages_out": metrics.get("messages_sent", 0),
        "slow": sum(metrics.get(name, 0) for name in _SLOW),
        "unsent": observed.values["unsent_bytes"],
        "tasks": observed.values["tasks"],
        "threads_waiting": observed.values["threads_waiting"],
        "group_members": observed.values["group_members"],
        "memory": resident_bytes(pid),
        "cpu": cpu_seconds(pid),
        "turns": observed.turns[0],
        "held_up": round(held_up, 3),
    }
