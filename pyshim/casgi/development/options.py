"""casgi's options as those of a Django command.

They are declared once, in casgi.cli: here each becomes an argument of Django's parser, and what was
given goes back through the command line's own reading, so that the two can never differ.
"""

from argparse import SUPPRESS
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import click
from django.core.management.base import CommandError, CommandParser

from casgi.cli import main, make_config
from casgi.config import Config
from casgi.errors import CasgiError
from casgi.options import Section, option_of

# Django's command has its own way to say these.
_OF_LISTENING = {
    each.name for each in fields(Config) if option_of(each).section is Section.LISTENING
}
_OF_THE_PROCESS = {"verbosity", "log_fmt", "log_config", "app_dir"}
# runserver is one process, and reloads by itself.
_OF_PROCESSES = {
    each.name
    for each in fields(Config)
    if option_of(each).section in (Section.WORKERS, Section.DEVELOPMENT)
}
NOT_OFFERED = _OF_LISTENING | _OF_THE_PROCESS | _OF_PROCESSES
# What daphne's runserver calls them.
_ALSO = {"--websocket-connect-timeout": ["--websocket_handshake_timeout"]}


def add_options(parser: CommandParser) -> None:
    """Add every option of casgi that says how to serve; None is what was not given."""
    group = parser.add_argument_group("options of casgi")
    for option in _offered():
        if option.is_flag:
            kind: dict[str, Any] = {"action": "store_const", "const": True}
        else:
            action = "append" if option.multiple else "store"
            kind = {"action": action, "metavar": _metavar(option)}
        _add(group, option, option.opts, _help(option), kind)
        if option.secondary_opts:
            kind = {"action": "store_const", "const": False}
            _add(group, option, option.secondary_opts, f"Not {option.opts[-1]}.", kind)


def _add(
    group: Any, option: click.Option, names: list[str], text: str, kind: dict[str, Any]
) -> None:
    """Add an argument, and silently its other spellings: daphne has either - or _ within."""
    kind |= {"dest": _name(option), "default": None}
    group.add_argument(*names, help=text, **kind)
    others = [f"--{name[2:].replace('-', '_')}" for name in names if "-" in name[2:]]
    others += _ALSO.get(names[-1], [])
    if others:
        group.add_argument(*others, help=SUPPRESS, **kind)


def make_runserver_config(given: Mapping[str, Any], descriptors: list[int]) -> Config:
    """Return the Config for a command's options, listening on inherited descriptors."""
    offered = list(_offered())
    arguments = [text for option in offered for text in _as_arguments(option, given)]
    try:
        context = main.make_context("runserver", [*arguments, "--", "application"])
        settings = {_name(option): context.params[_name(option)] for option in offered}
        endpoints = tuple(f"fd:fileno={descriptor}" for descriptor in descriptors)
        return make_config(0, **settings, endpoints=endpoints)
    except click.ClickException as error:
        raise CommandError(error.format_message()) from None
    except CasgiError as error:
        raise CommandError(str(error)) from None


def _offered() -> Iterator[click.Option]:
    for option in main.params:
        if not isinstance(option, click.Option) or option.is_eager or not option.expose_value:
            continue
        if option.name not in NOT_OFFERED:
            yield option


def _as_arguments(option: click.Option, given: Mapping[str, Any]) -> Iterator[str]:
    """Write an option as on casgi's command line."""
    value = given.get(_name(option))
    if value is None:
        return
    if option.is_flag:
        yield option.opts[-1] if value else option.secondary_opts[-1]
        return
    for one in value if option.multiple else [value]:
        yield f"{option.opts[-1]}={one}"


def _name(option: click.Option) -> str:
    assert option.name is not None
    return option.name


def _help(option: click.Option) -> str:
    return (option.help or "").replace("%", "%%")


def _metavar(option: click.Option) -> str:
    if isinstance(option.type, click.Choice):
        return "{" + ",".join(map(str, option.type.choices)) + "}"
    return option.metavar or option.type.name.upper()
