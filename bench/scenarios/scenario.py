"""The shape of a scenario: its options, its metrics, and one measurement of one server."""

import argparse
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from bench.process import Launch


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
    application: ClassVar[str]
    metrics: ClassVar[tuple[Metric, ...]]
    """The columns of the table; a measurement may have more figures, for the JSON file."""
    compared: ClassVar[str | None]
    """The metric whose ratio, casgi's figure divided by the server's, stands in the table."""
    needs_websockets: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        """Add this scenario's options to its command."""

    @classmethod
    @abstractmethod
    def from_options(cls, options: argparse.Namespace) -> Self:
        """Make the scenario that the options ask for; raise if this machine cannot run it."""

    @abstractmethod
    def settings(self) -> Mapping[str, float]:
        """Return what was asked for, for the head of the table."""

    @abstractmethod
    def measure(self, launch: Launch) -> Mapping[str, float]:
        """Measure a freshly launched server once; return at least a figure for every metric."""


def positive(text: str) -> int:
    """Parse an option that counts something."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
