"""Rows as people read them: a table in plain text."""

from collections.abc import Iterable, Sequence
from typing import Any

from casgi.control.protocol import Row

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_BYTES = ("memory", "unsent")
_SECONDS = ("age", "silent", "seconds", "held_up", "loop", "mean", "total", "up_to")
_SHARES = ("cpu_share", "busy")
_RATE = "_rate"


def cell(key: str, value: Any) -> str:
    """Return a value as it stands in a table."""
    if value is None:
        return "-"
    if key in _BYTES:
        return _bytes(float(value))
    if key in _SECONDS:
        return _seconds(float(value))
    if key in _SHARES:
        return f"{value * 100:.0f} %"
    if key.endswith(_RATE):
        return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    # What a client or an application has named must not move the terminal's cursor.
    text = str(value)
    return text if text.isprintable() else ascii(text)[1:-1]


def heading(column: str) -> str:
    """Return what stands above a column."""
    if column.endswith(_RATE):
        column = column.removesuffix(_RATE) + "/s"
    return column.removesuffix("_share").replace("_", " ").upper()


def table(rows: Sequence[Row], columns: Sequence[str]) -> Iterable[str]:
    """Return the lines of a table, the first being its head."""
    cells = [[cell(column, row.get(column)) for column in columns] for row in rows]
    head = [heading(column) for column in columns]
    widths = [max(len(line[i]) for line in [head, *cells]) for i in range(len(columns))]
    are_numbers = [
        bool(rows) and all(isinstance(row.get(column), int | float | None) for row in rows)
        for column in columns
    ]
    for line in [head, *cells]:
        padded = [
            text.rjust(width) if is_number else text.ljust(width)
            for text, width, is_number in zip(line, widths, are_numbers, strict=True)
        ]
        yield "  ".join(padded).rstrip()


def _bytes(value: float) -> str:
    for unit in _UNITS:
        if value < 1024 or unit == _UNITS[-1]:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError("the last unit is always enough")


def _seconds(value: float) -> str:
    if 0 < value < 0.1:
        return f"{value * 1000:.3g} ms"
    if value < 100:
        return f"{value:.3g} s"
    minutes, seconds = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"
