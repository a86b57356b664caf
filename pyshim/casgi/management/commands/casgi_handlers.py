"""`manage.py casgi_handlers`: which handlers run once for a whole group, and what prevents it."""

import dataclasses
import json
import os
from collections.abc import Sequence
from typing import Any

from channels.routing import get_default_application
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from casgi.channels.sharing.handlers import HandlerReport, consumer_classes, reports

HEADINGS = ("consumer", "handler", "runs", "reason")


class Command(BaseCommand):  # type: ignore[misc]
    """List the handlers of all consumers."""

    help = (
        "Lists the handlers of the project's Channels consumers: those that casgi runs once for all"
        " members of a group (shared), and those that it runs for each consumer, with the line that"
        " prevents sharing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take app labels and the choice of the form."""
        parser.add_argument("apps", nargs="*", metavar="app", help="only consumers of these apps")
        parser.add_argument("--json", action="store_true", help="print JSON for other programs")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the list."""
        packages = [_package(label) for label in options["apps"]]
        _load()
        classes = [
            owner
            for owner in consumer_classes()
            if not packages or _owner(owner.__module__) in packages
        ]
        found = list(reports(classes))
        if options["json"]:
            self.stdout.write(json.dumps([_fields(report) for report in found], indent=2))
        elif found:
            self.stdout.write(_table([HEADINGS, *(_row(report) for report in found)]))
            shared = sum(report.verdict.is_shared for report in found)
            self.stdout.write(f"\n{shared} of {len(found)} handlers run once for a whole group.")
        else:
            self.stdout.write("There are no handlers.")


def _load() -> None:
    """Import the ASGI application, and by that the consumers of its routes."""
    try:
        get_default_application()
    except ImproperlyConfigured as error:
        raise CommandError(f"The consumers were not loaded: {error}") from error


def _package(label: str) -> str:
    """Return the Python name of an app."""
    try:
        return str(apps.get_app_config(label).name)
    except LookupError as error:
        raise CommandError(str(error)) from error


def _owner(module: str) -> str | None:
    """Return the Python name of the app that a module belongs to."""
    config = apps.get_containing_app_config(module)
    return None if config is None else str(config.name)


def _fields(report: HandlerReport) -> dict[str, Any]:
    """Return a report as an object of JSON."""
    return {
        "consumer": report.consumer,
        "handler": report.handler,
        **dataclasses.asdict(report.verdict),
    }


def _row(report: HandlerReport) -> tuple[str, ...]:
    """Return a report as cells of the table."""
    verdict = report.verdict
    if verdict.is_shared:
        return report.consumer, report.handler, "shared", verdict.how
    place = f"{os.path.relpath(verdict.path)}:{verdict.line}: " if verdict.path else ""
    return report.consumer, report.handler, "per consumer", f"{place}{verdict.reason}"


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    """Return rows with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "\n".join(lines)
