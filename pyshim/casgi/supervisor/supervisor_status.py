"""What a supervisor says of its workers, from the scoreboard: also while their Python is busy."""

import os
import socket
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from casgi import _core
from casgi.hub.hub_host import HubHost
from casgi.process_usage import resident_bytes
from casgi.status.answering import Status, StatusServer, StatusSocket, bind_status
from casgi.status.exposition import (
    AnyFamily,
    Family,
    counts,
    exposition,
    hub_families,
    observed_families,
)
from casgi.supervisor.worker import Worker
from casgi.supervisor.workers import Workers
from casgi.unix_sockets import SocketFile


class SupervisorStatus:
    """What answers on the address of --metrics, if there is one."""

    def __init__(self, address: str | None, left: dict[str, Any] | None = None) -> None:
        """Bind it, or take the socket of another supervisor, if that is of the same address."""
        self._address = address
        self._bound: StatusSocket | None = None
        if left is not None:
            file = None if left.get("file") is None else SocketFile(**left["file"])
            self._bound = StatusSocket(socket.socket(fileno=left["descriptor"]), file)
            if address != left["address"]:
                self._bound.close()
                self._bound = None
        if self._bound is None and address is not None:
            self._bound = bind_status(address)

    async def start(
        self, workers: Workers, hub: HubHost, is_stopping: Callable[[], bool]
    ) -> Callable[[], None]:
        """Begin to answer; return what ends it."""
        if self._bound is None:
            return lambda: None
        pid = os.getpid()
        status = Status(
            is_ready=lambda: workers.is_serving() and not is_stopping(),
            metrics=lambda: supervisor_metrics(workers, hub, pid),
        )
        server = StatusServer(self._bound, status)
        await server.start()
        return server.close

    def leave(self) -> dict[str, Any] | None:
        """Write it down."""
        if self._bound is None:
            return None
        return {
            "descriptor": self._bound.socket.fileno(),
            "file": None if self._bound.file is None else asdict(self._bound.file),
            "address": self._address,
        }


def supervisor_metrics(workers: Workers, hub: HubHost, pid: int) -> str:
    """Return the page for Prometheus."""
    there = sorted(workers, key=lambda worker: worker.pid)
    total = workers.slots.metrics([worker.slot for worker in there])
    observed = workers.slots.observed([worker.slot for worker in there])
    families: list[AnyFamily] = [
        *counts(total),
        *observed_families(observed, _core.Scoreboard.bounds()),
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
        *hub_families(hub.metrics()),
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


def _name(worker: Worker) -> str:
    """Return the label of a process: a seat may have two while its worker is replaced."""
    return f"{worker.seat + 1}:{worker.pid}"
