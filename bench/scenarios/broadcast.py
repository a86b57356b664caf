"""The chat of Channels' tutorial, one group: what one delivery of a message costs the server."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Self

from bench.layers import NAMES, layer, layer_of
from bench.process import Launch, require_open_files
from bench.programs import compiled
from bench.scenarios import group
from bench.scenarios.group import SPARE_FILES, Group, loss
from bench.scenarios.scenario import Metric, Scenario, choices, positive, positives

PATHS = {"shared": "/ws/chat/lobby/", "per-consumer": "/ws/signed/lobby/"}


@dataclass(frozen=True)
class Broadcast(Scenario):
    """Members of one room, of whom one sends; the next message when all have the last."""

    members: int
    handler: str
    layer: str
    bytes: int
    burst: int
    seconds: int
    messages: int | None

    name = "broadcast"
    summary = "CPU per delivery of a Channels group message"
    application = "bench.channels_site.asgi:application"
    compared = ("cpu_us",)
    needs_websockets = True
    servers = "casgi,floor,daphne"
    metrics = (
        group.CPU,
        Metric("redis_us", "Redis us", 2),
        group.DELIVERIES,
        group.LOST,
        group.FIRST,
        group.LAST,
        group.LAST_P99,
        group.BUSY,
    )

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        """Add what is varied, the size of a message and the time."""
        handlers, layers = ",".join(PATHS), ",".join(NAMES)
        parser.add_argument("--members", type=positives, default="200,2000", metavar="LIST")
        parser.add_argument(
            "--handler", type=choices(*PATHS), default=handlers, metavar="LIST", help="some of them"
        )
        parser.add_argument(
            "--layer",
            type=choices(*NAMES),
            default="memory",
            metavar="LIST",
            help=f"some of {layers}",
        )
        parser.add_argument("--bytes", type=positive, default=64, help="of each text message")
        parser.add_argument("--burst", type=positive, default=1, help="messages sent at once")
        parser.add_argument("--seconds", type=positive, default=3, help="measured, per server")
        parser.add_argument("--messages", type=positive, help="fewer than fit into that time")

    @classmethod
    def from_options(cls, options: argparse.Namespace) -> Sequence[Self]:
        """Make a scenario of each combination, if so many files may be open."""
        compiled("members")
        require_open_files(max(options.members) + SPARE_FILES)
        return [
            cls(
                members,
                handler,
                name,
                options.bytes,
                options.burst,
                options.seconds,
                options.messages,
            )
            for name in options.layer
            for handler in options.handler
            for members in options.members
        ]

    def settings(self) -> Mapping[str, float | str | None]:
        """Return all that was asked for."""
        return asdict(self)

    def measure(self, launch: Launch) -> Mapping[str, float]:
        """Let the members join one room, and divide the CPU time by what reaches them."""
        clients = Group(
            self.members,
            self.bytes,
            self.burst,
            path=PATHS[self.handler],
            messages=self.messages,
            seconds=self.seconds,
        )
        with (
            layer(layer_of(self.layer, launch.server), launch.cores.client) as channel_layer,
            launch(channel_layer.environment) as server,
        ):
            return clients.measure(server, channel_layer.usage)

    def failure(self, figures: Mapping[str, float]) -> str | None:
        """Return what was lost."""
        return loss(figures)
