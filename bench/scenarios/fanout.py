"""Group messages of a raw application on casgi: what one delivery costs, and how long it takes."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Self

from bench.process import Launch, require_open_files
from bench.programs import compiled
from bench.scenarios import group
from bench.scenarios.group import SPARE_FILES, Group, loss
from bench.scenarios.scenario import Scenario, positive


def group_size(text: str) -> tuple[int, int]:
    """Parse ``MEMBERSxBURST``."""
    members, separator, burst = text.partition("x")
    if not separator:
        raise argparse.ArgumentTypeError("must be like 2000x8")
    return positive(members), positive(burst)


def group_sizes(text: str) -> list[tuple[int, int]]:
    """Parse a comma-separated list of ``MEMBERSxBURST``."""
    return [group_size(part) for part in text.split(",")]


@dataclass(frozen=True)
class Fanout(Scenario):
    """Members of one group; the sender's bursts, each when all members have the last."""

    members: int
    burst: int
    bytes: int
    seconds: int
    messages: int | None

    name = "fanout"
    summary = "CPU per delivery of a raw group message"
    application = "bench.apps:fanout"
    compared = ("cpu_us", "p99_us", "last_p99_us")
    needs_websockets = True
    servers = "casgi,floor"
    metrics = (
        group.CPU,
        group.RATE,
        group.LOST,
        group.FIRST,
        group.MEDIAN,
        group.P99,
        group.LAST,
        group.LAST_P99,
        group.BUSY,
    )

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        """Add the groups, the size of a message and the time."""
        parser.add_argument(
            "--groups",
            type=group_sizes,
            default="2000x8,10000x1",
            metavar="LIST",
            help="members x messages in a burst",
        )
        parser.add_argument("--bytes", type=positive, default=64, help="of each text message")
        parser.add_argument("--seconds", type=positive, default=5, help="measured, per server")
        parser.add_argument("--messages", type=positive, help="fewer than fit into that time")

    @classmethod
    def from_options(cls, options: argparse.Namespace) -> Sequence[Self]:
        """Make a scenario of each group, if so many files may be open."""
        compiled("members")
        require_open_files(max(members for members, _ in options.groups) + SPARE_FILES)
        return [
            cls(members, burst, options.bytes, options.seconds, options.messages)
            for members, burst in options.groups
        ]

    def settings(self) -> Mapping[str, float | str | None]:
        """Return all that was asked for."""
        return asdict(self)

    def measure(self, launch: Launch) -> Mapping[str, float]:
        """Let the members join the group, and divide the CPU time by what reaches them."""
        with launch() as server:
            # The floor says nothing of its own when somebody joins.
            greeted = server.name != "floor"
            clients = Group(
                self.members,
                self.bytes,
                self.burst,
                greeted=greeted,
                messages=self.messages,
                seconds=self.seconds,
            )
            return clients.measure(server)

    def failure(self, figures: Mapping[str, float]) -> str | None:
        """Return what was lost."""
        return loss(figures)
