"""Whether every member of a large Channels group gets every message, in order and once."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Self

from bench.layers import BACKENDS, layer
from bench.process import Launch, require_open_files
from bench.programs import compiled
from bench.scenarios import group
from bench.scenarios.broadcast import PATHS
from bench.scenarios.group import SPARE_FILES, Group, loss
from bench.scenarios.scenario import Metric, Scenario, choices, positive


@dataclass(frozen=True)
class NothingLost(Scenario):
    """Numbered messages in bursts that no layer is too small for; each member's are counted."""

    members: int
    messages: int
    burst: int
    handler: str
    layer: str
    bytes: int
    seconds: int

    name = "nothing-lost"
    summary = "every message of a Channels group, counted at every member"
    application = "bench.channels_site.asgi:application"
    compared = ()
    needs_websockets = True
    servers = "casgi"
    metrics = (
        Metric("messages", "messages"),
        Metric("expected", "expected"),
        group.DELIVERIES,
        group.LOST,
        group.UNEXPECTED,
        Metric("seconds", "seconds", 1),
        group.CPU,
    )

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        """Add the size of the group, its messages, and how long they may take."""
        parser.add_argument("--members", type=positive, default=10000)
        parser.add_argument("--messages", type=positive, default=1000)
        parser.add_argument("--burst", type=positive, default=10, help="messages under way at once")
        for option, known in ("--handler", PATHS), ("--layer", BACKENDS):
            parser.add_argument(
                option,
                type=choices(*known),
                default=next(iter(known)),
                metavar="LIST",
                help=f"some of {','.join(known)}",
            )
        parser.add_argument("--bytes", type=positive, default=64, help="of each text message")
        parser.add_argument("--seconds", type=positive, default=300, help="for all messages")

    @classmethod
    def from_options(cls, options: argparse.Namespace) -> Sequence[Self]:
        """Make a scenario of each combination, if so many files may be open."""
        compiled("members")
        require_open_files(options.members + SPARE_FILES)
        numbers = (options.members, options.messages, options.burst)
        return [
            cls(*numbers, handler, name, options.bytes, options.seconds)
            for name in options.layer
            for handler in options.handler
        ]

    def settings(self) -> Mapping[str, float | str]:
        """Return all that was asked for."""
        return asdict(self)

    def measure(self, launch: Launch) -> Mapping[str, float]:
        """Send all messages, and count what comes."""
        clients = Group(
            self.members,
            self.bytes,
            self.burst,
            PATHS[self.handler],
            messages=self.messages,
            seconds=self.seconds,
        )
        with (
            layer(self.layer, launch.cores.client) as channel_layer,
            launch(channel_layer.environment) as server,
        ):
            figures = clients.measure(server, channel_layer.usage)
        return {**figures, "expected": self.members * self.messages}

    def failure(self, figures: Mapping[str, float]) -> str | None:
        """Return what was lost, or was not sent for lack of time."""
        unsent = self.messages - figures["messages"]
        if unsent and not loss(figures):
            return f"{unsent:,.0f} messages were not sent within {self.seconds} s"
        return loss(figures)
