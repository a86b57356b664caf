"""WebSocket echo of small text messages: what one message, in and out, costs the server."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar, Self

from bench.clients import WebSocketLoad
from bench.process import Launch, require_open_files
from bench.programs import compiled
from bench.scenarios.scenario import Metric, Scenario, positive

SPARE_FILES = 100


@dataclass(frozen=True)
class Echo(Scenario):
    """WebSockets with one message in flight on each."""

    connections: int
    bytes: int
    seconds: int

    name = "echo"
    summary = "CPU per message of a raw ASGI WebSocket echo"
    application = "bench.apps:echo"
    compared = ("cpu_us",)
    path: ClassVar[str] = "/"
    needs_websockets = True
    metrics = (
        Metric("cpu_us", "CPU us/message", 1),
        Metric("rate", "messages/s"),
        Metric("p99_us", "p99 us"),
        Metric("busy", "server busy %"),
        Metric("client_busy", "client busy %"),
    )

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        """Add the number of connections, the size of a message and the time."""
        parser.add_argument("--connections", type=positive, default=64)
        parser.add_argument("--bytes", type=positive, default=32, help="of each text message")
        parser.add_argument("--seconds", type=positive, default=3, help="measured, per server")

    @classmethod
    def from_options(cls, options: argparse.Namespace) -> Sequence[Self]:
        """Take the options, if so many files may be open and there is a client."""
        compiled("websocket_load")
        require_open_files(options.connections + SPARE_FILES)
        return [cls(options.connections, options.bytes, options.seconds)]

    def settings(self) -> Mapping[str, float | str]:
        """Return connections, bytes and seconds."""
        return asdict(self)

    def measure(self, launch: Launch) -> Mapping[str, float]:
        """Divide the CPU time of an interval by the messages that were echoed in it."""
        options = [f"--connections={self.connections}", f"--bytes={self.bytes}"]
        options += [f"--seconds={self.seconds}", f"--path={self.path}"]
        with launch() as server, WebSocketLoad(server, *options) as load:
            before = server.usage.cpu()
            run = load.measure(self.seconds)
            used = server.usage.cpu() - before
        return {
            "cpu_us": used.total / run["messages"] * 1e6,
            "user_us": used.user / run["messages"] * 1e6,
            "system_us": used.system / run["messages"] * 1e6,
            "rate": run["messages"] / run["seconds"],
            "p50_us": run["p50_us"],
            "p99_us": run["p99_us"],
            "busy": used.total / run["seconds"] * 100,
            "client_busy": run["client_cpu_seconds"] / run["seconds"] * 100,
        }
