"""`casgi ctl COMMAND`: asks a server's control socket, and prints a table or JSON."""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import click

from casgi.command import Refusal
from casgi.command_hints import normal_name
from casgi.config_file import read_config_file
from casgi.control.client import ask
from casgi.control.commands import COMMANDS
from casgi.control.commands.command import Command
from casgi.control.protocol import Answer, ControlError
from casgi.control.tables import table
from casgi.errors import ConfigError

_FAILED = 1


class Failure(click.ClickException):
    """What could not be done, in one line."""

    exit_code = _FAILED

    def show(self, file: Any = None) -> None:
        """Write the line."""
        click.echo(f"casgi: {self.message}", file=file, err=True)


def control_option() -> click.Option:
    """Return the option that says where the server is found."""
    return click.Option(
        ["--control"],
        metavar="PATH",
        help="The server's control socket. [default: CASGI_CONTROL, or what [tool.casgi] says]",
    )


def control_path(given: str | None) -> str:
    """Return the path of the control socket; raise Refusal if nobody has said it."""
    path = given or os.environ.get("CASGI_CONTROL") or _in_file()
    if path is None:
        raise Refusal(
            "name the server's control socket, as the server does: --control PATH,"
            " CASGI_CONTROL, or control in [tool.casgi]"
        )
    return str(path)


def _in_file() -> str | None:
    """Return what the server's file says."""
    try:
        file = read_config_file(os.environ.get("CASGI_CONFIG"))
    except ConfigError as error:
        raise Refusal(str(error)) from None
    table = {} if file is None else file.table
    return next((path for key, path in table.items() if normal_name(key) == "control"), None)


def _is_given(value: object) -> bool:
    return value is not None and value is not False


def _function_of(command: Command) -> Callable[..., None]:
    def run(control: str | None, json: bool, **arguments: Any) -> None:
        of_group = click.get_current_context().find_root().params
        given = {name: value for name, value in arguments.items() if _is_given(value)}
        try:
            answer = ask(control_path(control or of_group.get("control")), command.name, given)
        except ControlError as error:
            raise Failure(str(error)) from None
        _print(command, answer, as_json=json or bool(of_group.get("json")))

    return run


def _print(command: Command, answer: Answer, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(answer, indent=2))
    elif command.text is not None:
        for row in answer["rows"]:
            click.echo(" ".join(f"{name} {row[name]}" for name in command.columns) + ":")
            click.echo(row[command.text] + "\n")
    else:
        for line in table(answer["rows"], command.columns):
            click.echo(line)
    for line in answer["silent"]:
        click.echo(f"casgi: {line}", err=True)
    if answer["silent"]:
        sys.exit(_FAILED)


def _json_option() -> click.Option:
    return click.Option(["--json"], is_flag=True, help="Print an object instead of a table.")


def control_command() -> click.Group:
    """Return `casgi ctl`."""
    group = click.Group(
        "ctl",
        help="Look into a running server and change it, by its control socket (--control).",
        params=[control_option(), _json_option()],
        callback=lambda control, json: None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        epilog="`casgi ctl COMMAND --help` says what a command takes.",
    )
    for command in COMMANDS.values():
        group.add_command(
            click.Command(
                command.name,
                help=command.help,
                callback=_function_of(command),
                params=[*command.parameters, control_option(), _json_option()],
                context_settings={
                    "help_option_names": ["-h", "--help"],
                    "ignore_unknown_options": command.takes_negative_numbers,
                },
            )
        )
    return group
