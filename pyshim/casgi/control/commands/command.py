"""What a command is: its words for the command line, and the function that answers it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

import click

from casgi.control.process import Process
from casgi.control.protocol import Arguments, ControlError, Row


class Target(NamedTuple):
    """A worker that is asked alone."""

    kind: Literal["PID", "worker"]
    number: int

    @property
    def is_nobody(self) -> str:
        """What to say when there is none."""
        if self.kind == "worker":
            return f"there is no worker {self.number}"
        return f"no worker has the PID {self.number}: the connection has ended with its worker"


MOST_ROWS = 1000
"""What a table has at most, unless --most says otherwise."""


class Head(Protocol):
    """The process that is asked first: the supervisor, or the only one."""

    def worker_rows(self) -> list[Row]:
        """Return what is known of each worker without asking it."""

    def drain(self, worker: int) -> None:
        """Let another worker take the place of one. Raise ControlError."""

    def remember(self, command: str, arguments: Arguments) -> None:
        """Have what was changed in all workers changed in those that are started later, too."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command.

    Attributes:
        name: its word.
        help: one sentence.
        parameters: what it takes, for click; their names are the keys of the arguments.
        columns: the keys of a row that are printed, in their order.
        text: the key of what has several lines, and is printed below the row.
        by_head: what answers it without the workers, if that is all.
        in_process: what answers it in a process, on its control thread.
        target: returns the worker that is asked alone; None for all.
        gather: makes one table of the rows of all processes.
        is_remembered: whether it changes workers that are started later, too.
        takes_negative_numbers: whether -1 is a value, and no option.

    """

    name: str
    help: str
    parameters: tuple[click.Parameter, ...] = ()
    columns: tuple[str, ...] = ()
    text: str | None = None
    by_head: Callable[[Head, Arguments], list[Row]] | None = None
    in_process: Callable[[Process, Arguments], list[Row]] | None = None
    target: Callable[[Arguments], Target | None] = field(default=lambda arguments: None)
    gather: Callable[[list[Row], Arguments], list[Row]] = field(default=lambda rows, _: rows)
    is_remembered: bool = False
    takes_negative_numbers: bool = False

    def check(self, arguments: Arguments) -> None:
        """Raise ControlError for arguments that it does not take."""
        names = {parameter.name for parameter in self.parameters}
        for name in arguments:
            if name not in names:
                raise ControlError(f"{self.name} takes no {name}")
        for parameter in self.parameters:
            value = arguments.get(parameter.name or "")
            if value is not None:
                _check_value(parameter, value)
            elif parameter.required:
                raise ControlError(f"{self.name} needs {parameter.name}")


def _check_value(parameter: click.Parameter, value: object) -> None:
    if not isinstance(parameter.type, click.types.IntParamType):
        if not isinstance(value, str | int | float):
            raise ControlError(f"{parameter.name} cannot be {value!r}")
    elif not isinstance(value, int) or isinstance(value, bool):
        raise ControlError(f"{parameter.name} cannot be {value!r}")
    elif parameter.type is _FROM_ONE and value < 1:
        raise ControlError(f"{parameter.name} is a number from 1, not {value}")


def most_of(rows: list[Row], key: str, arguments: Arguments) -> list[Row]:
    """Return the rows with the largest values of a key first, and no more than asked for."""
    rows.sort(key=lambda row: row[key] or 0, reverse=True)
    return rows[: arguments.get("most") or MOST_ROWS]


_FROM_ONE = click.IntRange(1)
MOST = click.Option(
    ["--most"], type=_FROM_ONE, help=f"Rows that are shown at most. [default: {MOST_ROWS}]"
)
