"""Which handlers take the time: requests by their route, since the workers began."""

from typing import Any

from casgi.control.commands.command import MOST, Command, most_of
from casgi.control.process import Process
from casgi.control.protocol import Arguments, Row
from casgi.status.observed import Times, added, bound_of


def _handlers(process: Process, arguments: Arguments) -> list[Row]:
    return [
        {"handler": route, "counts": counts, "total": seconds}
        for route, (counts, seconds) in process.observed().routes.items()
    ]


def _gather(rows: list[Row], arguments: Arguments) -> list[Row]:
    times: dict[str, Times] = {}
    for row in rows:
        one: Any = (tuple(row["counts"]), row["total"])
        times[row["handler"]] = added(times.get(row["handler"], ((), 0.0)), one)
    return most_of([_row(handler, *each) for handler, each in times.items()], "total", arguments)


def _row(handler: str, counts: tuple[int, ...], seconds: float) -> Row:
    count = sum(counts)
    return {
        "handler": handler,
        "count": count,
        "total": round(seconds, 6),
        "mean": round(seconds / count, 6) if count else 0.0,
        "up_to": bound_of(counts, 0.95),
    }


HANDLERS = Command(
    name="handlers",
    help="List handlers by the time that they have taken; 95 of 100 requests took UP TO.",
    parameters=(MOST,),
    columns=("handler", "count", "total", "mean", "up_to"),
    in_process=_handlers,
    gather=_gather,
)
