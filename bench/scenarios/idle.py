"""Idle WebSockets: how much resident memory each one costs the server."""

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar, Self

from bench.clients import WebSocketLoad
from bench.process import Launch, require_open_files
from bench.programs import compiled
from bench.scenarios.scenario import Metric, Scenario, positive

FIRST_CONNECTIONS = 100  # stay open meanwhile, so that what is paid once is paid before
SPARE_FILES = 200
SETTLE_SECONDS = 1.0


@dataclass(frozen=True)
class Idle(Scenario):
    """Accepted WebSockets over which nothing is sent but the server's own pings."""

    connections: int

    name = "idle"
    summary = "resident memory per idle raw WebSocket"
    application = "bench.apps:echo"
    compared = ("kib_each",)
    path: ClassVar[str] = "/"
    needs_websockets = True
    metrics = (
        Metric("kib_each", "KiB/connection", 2),
        Metric("before_mib", "RSS before MiB", 1),
        Metric("with_mib", "RSS with MiB", 1),
        Metric("open_us", "CPU us/handshake"),
    )

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        """Add the number of connections."""
        parser.add_argument("--connections", type=positive, default=5000)

    @classmethod
    def from_options(cls, options: argparse.Namespace) -> Sequence[Self]:
        """Take the options, if so many files may be open and there is a client."""
        compiled("websocket_load")
        require_open_files(options.connections + FIRST_CONNECTIONS + SPARE_FILES)
        return [cls(options.connections)]

    def settings(self) -> Mapping[str, float | str]:
        """Return the number of connections."""
        return asdict(self)

    def measure(self, launch: Launch) -> Mapping[str, float]:
        """Compare the memory before and after the connections were opened."""
        idle = ["--idle", f"--path={self.path}"]
        few, many = f"--connections={FIRST_CONNECTIONS}", f"--connections={self.connections}"
        with launch() as server, WebSocketLoad(server, *idle, few) as first:
            time.sleep(SETTLE_SECONDS)
            before, cpu_before = server.usage.resident_kib(), server.usage.cpu()
            with WebSocketLoad(server, *idle, many) as load:
                used = server.usage.cpu() - cpu_before
                time.sleep(SETTLE_SECONDS)
                resident = server.usage.resident_kib()
                load.check()
                first.check()
        return {
            "kib_each": (resident - before) / self.connections,
            "before_mib": before / 1024,
            "with_mib": resident / 1024,
            "open_us": used.total / self.connections * 1e6,
        }
