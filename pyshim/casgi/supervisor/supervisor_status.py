"""What a supervisor says of its workers, from the scoreboard: also while their Python is busy."""

from collections.abc import Iterable

from casgi.status.exposition import Family, counts, exposition
from casgi.supervisor.hub_host import HubHost
from casgi.supervisor.recycling import resident_bytes
from casgi.supervisor.worker import Worker
from casgi.supervisor.workers import Workers

_GAUGES_OF_THE_HUB = ("peers", "topics", "waiting", "waiting_bytes")


def supervisor_metrics(workers: Workers, hub: HubHost, pid: int) -> str:
    """Return the page for Prometheus."""
    there = sorted(workers, key=lambda worker: worker.pid)
    total = workers.slots.metrics([worker.slot for worker in there])
    families = [
        *counts(total),
        *_of_workers(workers, there),
        Family(
            "casgi_memory_bytes",
            "gauge",
            "Memory in RAM.",
            {
                "supervisor": resident_bytes(pid),
                **{_name(worker): resident_bytes(worker.pid) for worker in there},
            },
            "process",
        ),
        *_of_hub(hub),
    ]
    return exposition(families)


def _of_workers(workers: Workers, there: list[Worker]) -> Iterable[Family]:
    conditions = {_name(worker): workers.slots.condition(worker.slot) for worker in there}
    serving = sum(condition.is_serving for condition in conditions.values())
    yield Family("casgi_workers", "gauge", "Workers that serve.", {"": serving})
    yield Family(
        "casgi_worker_restarts_total",
        "counter",
        "Workers that have ended unasked.",
        {"": workers.restarts},
    )
    yield Family(
        "casgi_open_connections",
        "gauge",
        "Connections that are open.",
        {name: condition.connections for name, condition in conditions.items()},
        "worker",
    )
    yield Family(
        "casgi_loop_delay_seconds",
        "gauge",
        "How long the turn of the event loop lasts by now; 0 while it waits.",
        {name: condition.busy for name, condition in conditions.items()},
        "worker",
    )


def _of_hub(hub: HubHost) -> Iterable[Family]:
    for name, figure in hub.metrics().items():
        if name in _GAUGES_OF_THE_HUB:
            yield Family(f"casgi_hub_{name}", "gauge", f"Of the hub: {name} now.", {"": figure})
        else:
            yield Family(f"casgi_hub_{name}_total", "counter", f"Of the hub: {name}.", {"": figure})


def _name(worker: Worker) -> str:
    """Return the label of a process: a seat may have two while its worker is replaced."""
    return f"{worker.seat + 1}:{worker.pid}"
