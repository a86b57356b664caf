"""The level of the log."""

import logging

import click

from casgi.control.commands.command import Command
from casgi.control.process import Process
from casgi.control.protocol import Arguments, ControlError, Row

_LEVELS = ("debug", "info", "warning", "error", "critical")


def set_level(arguments: Arguments) -> str:
    """Set the level of a logger, the root's by default; return its name. Raise ControlError."""
    level = str(arguments["level"]).lower()
    if level not in _LEVELS:
        raise ControlError(f"a level is one of {', '.join(_LEVELS)}, not {level!r}")
    name = arguments.get("logger")
    logging.getLogger(name).setLevel(level.upper())
    return str(name or "root")


def _log_level(process: Process, arguments: Arguments) -> list[Row]:
    name = set_level(arguments)
    return [{"worker": process.worker, "logger": name, "level": arguments["level"]}]


LOG_LEVEL = Command(
    name="log-level",
    help="Set the level of the log, or of one logger, in all processes.",
    parameters=(
        click.Argument(["level"]),
        click.Option(["--logger"], help="Only of this one and those below it: casgi.server."),
    ),
    columns=("worker", "logger", "level"),
    in_process=_log_level,
    is_remembered=True,
)
