"""`casgi check`: all the checks in their order, and the report."""

import contextlib
import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict

import click

from casgi.checking.application import check_application
from casgi.checking.channel_layers import check_channel_layers
from casgi.checking.django_project import check_django, check_threads
from casgi.checking.environment import check_environment
from casgi.checking.findings import Finding
from casgi.checking.listening import check_listening
from casgi.checking.own_sockets import check_hub, check_own_sockets
from casgi.checking.system import check_system
from casgi.config import Config
from casgi.errors import CasgiError

_FOUND_ERRORS = 1
_INDENT = " " * 9


def run_checks(
    application: str,
    app_dir: str,
    *,
    make_config: Callable[[], Config],
    variables: Collection[str],
    as_json: bool,
) -> int:
    """Print what is found, and return the exit code: 0 when nothing keeps it from serving.

    Args:
        application: as on casgi's command line.
        app_dir: likewise.
        make_config: returns the settings, or raises CasgiError.
        variables: the names of the options' variables.
        as_json: whether to print an object instead of lines.

    """
    findings = []
    with contextlib.ExitStack() as until:
        for finding in _findings(application, app_dir, make_config, variables, until):
            findings.append(finding)
            if not as_json:
                _print(finding)
    errors = sum(finding.level == "error" for finding in findings)
    warnings = sum(finding.level == "warning" for finding in findings)
    if as_json:
        report = {"ok": not errors, "findings": [asdict(finding) for finding in findings]}
        click.echo(json.dumps(report, indent=2))
    else:
        click.echo(f"{_counted(errors, 'error')}, {_counted(warnings, 'warning')}")
    return _FOUND_ERRORS if errors else 0


def _findings(
    application: str,
    app_dir: str,
    make_config: Callable[[], Config],
    variables: Collection[str],
    until: contextlib.ExitStack,
) -> Iterator[Finding]:
    yield from check_environment(variables)
    yield from check_threads()
    connections = 0
    try:
        config = make_config()
    except CasgiError as error:
        yield Finding("error", "options", str(error))
    else:
        connections = config.max_connections
        yield from check_listening(config)
        yield from check_own_sockets(config)
        yield from check_hub(config, until)
    yield from check_system(connections)
    yield from check_application(application, app_dir)
    yield from check_django()
    yield from check_channel_layers()


def _print(finding: Finding) -> None:
    click.echo(f"{finding.level:<8} {finding.subject}: {finding.text}")
    if finding.remedy is not None:
        click.echo(f"{_INDENT}{finding.remedy}")


def _counted(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
