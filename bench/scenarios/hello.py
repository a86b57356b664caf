"""Raw ASGI hello over keep-alive HTTP/1.1: what one request costs the server."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar, Self

from bench import clients
from bench.process import Launch, RunningServer
from bench.scenarios.scenario import Metric, Scenario, positive

WARM_UP_SECONDS = 1


@dataclass(frozen=True)
class Hello(Scenario):
    """Keep-alive connections of wrk, each with one request in flight."""

    connections: int
    seconds: int

    name = "hello"
    summary = "CPU per HTTP request of a raw ASGI hello"
    application = "bench.apps:hello"
    compared = ("cpu_us",)
    path: ClassVar[str] = "/"
    metrics = (
        Metric("cpu_us", "CPU us/request", 1),
        Metric("rate", "requests/s"),
        Metric("p99_us", "p99 us"),
        Metric("busy", "server busy %"),
    )

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        """Add the number of connections and the time."""
        parser.add_argument("--connections", type=positive, default=64)
        parser.add_argument("--seconds", type=positive, default=3, help="measured, per server")

    @classmethod
    def from_options(cls, options: argparse.Namespace) -> Sequence[Self]:
        """Take the options, if there is a client."""
        clients.require_wrk()
        return [cls(options.connections, options.seconds)]

    def settings(self) -> Mapping[str, float | str]:
        """Return connections and seconds."""
        return asdict(self)

    def measure(self, launch: Launch) -> Mapping[str, float]:
        """Warm up, then divide the CPU time of an interval by the requests in it."""
        with launch() as server:
            return self._load(server)

    def _load(self, server: RunningServer) -> Mapping[str, float]:
        clients.wrk(server, self.connections, WARM_UP_SECONDS, self.path)
        before = server.usage.cpu()
        run = clients.wrk(server, self.connections, self.seconds, self.path)
        used = server.usage.cpu() - before
        return {
            "cpu_us": used.total / run["requests"] * 1e6,
            "user_us": used.user / run["requests"] * 1e6,
            "system_us": used.system / run["requests"] * 1e6,
            "rate": run["requests"] / run["seconds"],
            "p50_us": run["p50_us"],
            "p99_us": run["p99_us"],
            "busy": used.total / run["seconds"] * 100,
        }
