"""Limits and times that can be changed while it serves, until the server is started anew."""

from dataclasses import fields
from typing import Any

import click

from casgi.config import Config
from casgi.control.commands.command import Command
from casgi.control.process import Process
from casgi.control.protocol import Arguments, ControlError, Row
from casgi.errors import ConfigError
from casgi.options import Choice, Number, Option, Seconds, option_of

_CHANGEABLE = (
    "max_connections",
    "max_connections_per_address",
    "max_concurrent_requests",
    "max_memory",
    "http_timeout",
    "header_timeout",
    "body_timeout",
    "send_timeout",
    "keep_alive_timeout",
    "websocket_timeout",
    "websocket_connect_timeout",
    "ping_interval",
    "ping_timeout",
    "min_body_rate",
    "min_send_rate",
    "websocket_max_groups",
    "write_high_water",
    "write_backlog_limit",
    "slow_consumer",
)
"""Those that the core looks at whenever they matter, and keeps nowhere else."""


def changeable(config: Config) -> dict[str, Any]:
    """Return the limits that can be changed, as they are at the start."""
    return {name: getattr(config, name) for name in _CHANGEABLE}


def _options() -> dict[str, Option]:
    return {each.name: option_of(each) for each in fields(Config) if each.name in _CHANGEABLE}


def _limits(process: Process, arguments: Arguments) -> list[Row]:
    return [_row(process, name) for name in sorted(process.limits)]


def _row(process: Process, name: str) -> Row:
    value = process.limits[name]
    return {"worker": process.worker, "limit": name, "value": "never" if value is None else value}


def _set(process: Process, arguments: Arguments) -> list[Row]:
    name = str(arguments["limit"]).replace("-", "_").strip("_")
    option = _options().get(name)
    if option is None:
        raise ControlError(f"{name} cannot be changed: `casgi ctl limits` lists what can be")
    value = _value_of(name, option, str(arguments["value"]))
    process.on_loop(lambda: process.core.change(name, value))
    process.limits[name] = value
    return [_row(process, name)]


def _value_of(name: str, option: Option, text: str) -> Any:
    """Return the value as Config would have it; raise ControlError."""
    value: Any = text
    try:
        if isinstance(option, Seconds):
            value = None if text == "never" else float(text)
            if value is not None and option.is_never(value):
                value = None
        elif isinstance(option, Number):
            value = int(text)
    except ValueError:
        raise ControlError(f"{name} must be {option.allowed}, not {text!r}") from None
    if not isinstance(option, Choice | Number | Seconds):
        raise ControlError(f"{name} cannot be changed")
    try:
        option.check(name, value)
    except ConfigError as error:
        raise ControlError(str(error)) from None
    return value


LIMITS = Command(
    name="limits",
    help="List the limits and times that can be changed.",
    columns=("worker", "limit", "value"),
    in_process=_limits,
)
SET = Command(
    name="set",
    help="Change a limit in all workers, until the server is started anew.",
    parameters=(click.Argument(["limit"]), click.Argument(["value"])),
    columns=("worker", "limit", "value"),
    in_process=_set,
    is_remembered=True,
    takes_negative_numbers=True,
)
