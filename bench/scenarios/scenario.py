"""The shape of a scenario: its options, its metrics, and one measurement of one server."""

import argparse
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from bench.process import Launch
from bench.servers import PEERS, Server


@dataclass(frozen=True)
class Metric:
    """One column: the key of its figure, its heading, and how many digits follow the point."""

    key: str
    heading: str
    digits: int = 0


class Scenario(ABC):
    """One thing to measure."""

    name: ClassVar[str]
    summary: ClassVar[str]
    application: str
    wsgi_application: ClassVar[str | None] = None
    """The same pages for a server of WSGI, if there are such."""
    metrics: ClassVar[tuple[Metric, ...]]
    """The columns of the table; a measurement may have more figures, for the JSON file."""
    compared: ClassVar[tuple[str, ...]]
    """The metrics whose ratios, the reference's figure by the server's, stand in the table."""
    needs_websockets: ClassVar[bool] = False
    servers: ClassVar[str] = PEERS
    """The servers that are measured if none are named."""
    reference: ClassVar[str] = "casgi"
    """The server whose figures are divided by those of the others, if none is named."""

    @classmethod
    @abstractmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        """Add this scenario's options to its command."""

    @classmethod
    @abstractmethod
    def from_options(cls, options: argparse.Namespace) -> Sequence[Self]:
        """Make all scenarios that the options ask for; raise if this machine cannot run them."""

    @abstractmethod
    def settings(self) -> Mapping[str, float | str | None]:
        """Return what was asked for, for the head of the table; None where nothing was."""

    @abstractmethod
    def measure(self, launch: Launch) -> Mapping[str, float]:
        """Measure a freshly launched server once; return at least a figure for every metric."""

    def application_for(self, server: Server) -> str:
        """Return what a server is told to serve."""
        if server.is_wsgi and self.wsgi_application is not None:
            return self.wsgi_application
        return self.application

    def failure(self, figures: Mapping[str, float]) -> str | None:
        """Return what is wrong with the figures, for a scenario that also judges; else None."""
        return None


def positive(text: str) -> int:
    """Parse an option that counts something."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def positives(text: str) -> list[int]:
    """Parse an option that is a comma-separated list of counts."""
    return [positive(part) for part in text.split(",")]


def choices(*known: str) -> Callable[[str], list[str]]:
    """Return a parser of comma-separated lists of these names."""

    def parse(text: str) -> list[str]:
        names = text.split(",")
        unknown = [name for name in names if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)!r}; known: {', '.join(known)}")
        return names

    return parse
