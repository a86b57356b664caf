"""A sample as text, and as an object for scripts."""

import json
from collections.abc import Iterable

from casgi.control.protocol import Row
from casgi.control.tables import cell, table
from casgi.top.sampling import Sample
from casgi.top.views import VIEWS, WORKERS, totals

_HOW_MANY = (
    ("workers", "{} workers serve"),
    ("cpu_share", "CPU {}"),
    ("memory", "memory {}"),
    ("connections", "{} connections"),
    ("websockets", "{} WebSockets"),
    ("group_members", "{} in groups"),
    ("tasks", "{} tasks"),
    ("threads_waiting", "{} wait for a thread"),
    ("unsent", "{} unsent"),
)
_HOW_FAST = (
    ("requests_rate", "{} requests/s"),
    ("failed_rate", "{} failed/s"),
    ("in_rate", "{} messages/s in"),
    ("out_rate", "{} messages/s out"),
    ("slow_rate", "{} slow/s"),
    ("loop", "99 of 100 turns of the loop within {}"),
    ("held_up", "held up for {}"),
)
"""The totals, in their order."""


def in_words(summed: Row) -> str:
    """Return the totals as two lines."""
    return "\n".join(
        "  ".join(text.format(cell(key, summed[key])) for key, text in line)
        for line in (_HOW_MANY, _HOW_FAST)
    )


def as_text(sample: Sample, before: Sample) -> Iterable[str]:
    """Return the lines of all tables that were asked for."""
    yield in_words(totals(WORKERS.rows(sample, before)))
    for name in sample.answers:
        yield ""
        yield name.upper()
        yield from table(VIEWS[name].rows(sample, before), VIEWS[name].columns)


def as_json(sample: Sample, before: Sample) -> str:
    """Return one line: what as_text() has, in bytes and seconds."""
    rows = {name: VIEWS[name].rows(sample, before) for name in sample.answers}
    summed = totals(rows[WORKERS.name])
    return json.dumps({"totals": summed, **rows, "silent": sample.silent})
