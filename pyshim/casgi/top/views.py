"""The tables of `casgi top`: what each asks for, and what is made of the answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from casgi import _core
from casgi.control.protocol import Row
from casgi.status.observed import bound_of
from casgi.top.sampling import Sample

Growth = Callable[[Row, Row, float], Row]
"""Takes a row, the same a moment ago, or {} if it was not there, and the seconds between them."""


@dataclass(frozen=True, kw_only=True)
class View:
    """One table.

    Attributes:
        name: the command of `casgi ctl` that is asked.
        columns: keys of a row, in their order.
        identity: those by which a row is the same as a moment ago.
        rates: what is said of a second: the key, and that of the number which only grows.
        growth: returns what else there is to say of the time since then.

    """

    name: str
    columns: tuple[str, ...]
    identity: tuple[str, ...]
    rates: Mapping[str, str] = field(default_factory=dict)
    growth: Growth = field(default=lambda row, before, seconds: {})

    def rows(self, sample: Sample, before: Sample) -> list[Row]:
        """Return the rows of a sample, with what has changed since another one."""
        past = {self.key(row): row for row in _rows(before, self.name)}
        seconds = sample.moment - before.moment if before.moment else 0.0
        rows = _rows(sample, self.name)
        return [self._completed(row, past.get(self.key(row), {}), seconds) for row in rows]

    def key(self, row: Row) -> tuple[Any, ...]:
        """Return what a row is known by."""
        return tuple(row[key] for key in self.identity)

    def _completed(self, row: Row, before: Row, seconds: float) -> Row:
        # Who was not there has begun since; but of the first sample nothing is known.
        rates = {
            rate: (row[key] - before.get(key, 0)) / seconds if seconds else 0.0
            for rate, key in self.rates.items()
        }
        return {**row, **rates, **self.growth(row, before, seconds)}


def _rows(sample: Sample, name: str) -> list[Row]:
    answer = sample.answers.get(name)
    return [] if answer is None else answer["rows"]


def _turns(row: Row, before: Row, seconds: float) -> Row:
    """Return within which time 99 of 100 turns of the event loop have ended."""
    counts = row["turns"]
    past = before.get("turns") or [0] * len(counts)
    new = [count - old for count, old in zip(counts, past, strict=True)]
    if sum(new) <= 0:
        return {"loop": None}
    return {"loop": bound_of(new, 0.99) or _core.Scoreboard.bounds()[-1]}


_RATES_OF_WORKERS = {
    "requests_rate": "requests",
    "failed_rate": "failed",
    "in_rate": "messages_in",
    "out_rate": "messages_out",
    "slow_rate": "slow",
    "cpu_share": "cpu",
}

WORKERS = View(
    name="workers",
    columns=(
        *("worker", "pid", "state", "age", "cpu_share", "memory", "connections", "websockets"),
        *("requests_rate", "failed_rate", "in_rate", "out_rate", "slow_rate", "unsent"),
        *("loop", "held_up"),
    ),
    identity=("pid",),
    rates=_RATES_OF_WORKERS,
    growth=_turns,
)

VIEWS = {
    view.name: view
    for view in (
        WORKERS,
        View(
            name="connections",
            columns=(
                *("connection", "client", "kind", "state", "age", "silent", "unsent"),
                *("in_rate", "out_rate", "lost", "user", "path"),
            ),
            identity=("connection",),
            rates={"in_rate": "messages_in", "out_rate": "messages_out"},
        ),
        View(
            name="requests",
            columns=("worker", "connection", "method", "path", "seconds", "at"),
            identity=("worker", "connection", "method", "path"),
        ),
        View(name="groups", columns=("group", "members", "workers"), identity=("group",)),
        View(
            name="handlers",
            columns=("handler", "calls_rate", "busy", "count", "total", "mean", "up_to"),
            identity=("handler",),
            rates={"calls_rate": "count", "busy": "total"},
        ),
        View(
            name="slow",
            columns=("connection", "client", "kind", "unsent", "lost", "age", "user", "path"),
            identity=("connection",),
        ),
        View(
            name="limits",
            columns=("worker", "limit", "value"),
            identity=("worker", "limit"),
        ),
    )
}

_SUMS = (
    *("connections", "websockets", "requests_rate", "failed_rate", "in_rate", "out_rate"),
    *("slow_rate", "unsent", "tasks", "threads_waiting", "group_members", "cpu_share", "memory"),
)
_LARGEST = ("loop", "held_up")


def totals(workers: list[Row]) -> Row:
    """Return what all workers have together, of the rows of WORKERS."""
    return {
        "workers": sum(row["state"] == "serving" for row in workers),
        **{key: sum(row[key] for row in workers) for key in _SUMS},
        **{key: max((row[key] or 0.0 for row in workers), default=0.0) for key in _LARGEST},
    }
