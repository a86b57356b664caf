"""`manage.py casgi_views`: which way middleware and views take, and what prevents the short one."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from casgi.django import leased_thread, releases
from casgi.django.ways import ways

HEADINGS = ("kind", "name", "runs", "reason")


class Command(BaseCommand):  # type: ignore[misc]
    """List the ways of all middleware and views."""

    help = (
        "Lists the project's middleware and views: those that casgi runs together in one trip to"
        " the request's thread, and the others with what prevents that."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the choice of the form."""
        parser.add_argument("--json", action="store_true", help="print JSON for other programs")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the list."""
        found = list(ways())
        if options["json"]:
            self.stdout.write(json.dumps([dataclasses.asdict(way) for way in found], indent=2))
            return
        reason = (
            leased_thread.unsupported_reason()
            or releases.unsupported_reason()
            or releases.unsupported_middleware()
        )
        if reason is not None:
            self.stdout.write(f"With this installation nothing runs together: {reason}\n\n")
        rows = [HEADINGS, *((way.kind, way.name, way.way, way.reason) for way in found)]
        self.stdout.write(_table(rows))


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    """Return rows with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "\n".join(lines)
