"""Raw ASGI hello over HTTP/2 without TLS: what one request costs the server."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Self

from bench import clients
from bench.process import Launch
from bench.scenarios.scenario import Metric, Scenario, positive

WARM_UP_SECONDS = 1


@dataclass(frozen=True)
class Http2Hello(Scenario):
    """Connections of h2load, each with as many streams at once."""

    connections: int
    streams: int
    seconds: int

    name = "http2-hello"
    summary = "CPU per HTTP/2 request of a raw ASGI hello"
    application = "bench.apps:hello"
    servers = "casgi,weft,granian,h2corn,hypercorn"
    compared = ("cpu_us",)
    metrics = (
        Metric("cpu_us", "CPU us/request", 1),
        Metric("rate", "requests/s"),
        Metric("busy", "server busy %"),
    )

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        """Add the numbers of connections and streams, and the time."""
        parser.add_argument("--connections", type=positive, default=8)
        parser.add_argument("--streams", type=positive, default=100, help="at once, on each")
        parser.add_argument("--seconds", type=positive, default=3, help="measured, per server")

    @classmethod
    def from_options(cls, options: argparse.Namespace) -> Sequence[Self]:
        """Take the options, if there is a client."""
        clients.require_h2load()
        return [cls(options.connections, options.streams, options.seconds)]

    def settings(self) -> Mapping[str, float | str]:
        """Return connections, streams and seconds."""
        return asdict(self)

    def measure(self, launch: Launch) -> Mapping[str, float]:
        """Warm up, then divide the CPU time of an interval by the requests in it."""
        with launch() as server:
            clients.h2load(server, self.connections, self.streams, WARM_UP_SECONDS)
            before = server.usage.cpu()
            requests = clients.h2load(server, self.connections, self.streams, self.seconds)
            used = server.usage.cpu() - before
            return {
                "cpu_us": used.total / requests * 1e6,
                "user_us": used.user / requests * 1e6,
                "system_us": used.system / requests * 1e6,
                "rate": requests / self.seconds,
                "busy": used.total / self.seconds * 100,
            }
