"""Figures as Prometheus reads them: its text format, version 0.0.4."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# Of the core's counts, csrc/base/metrics.h: what each is.
COUNTS = {
    "connections": "Connections accepted.",
    "requests": "Requests begun, opening handshakes and refused ones included.",
    "requests_refused": "Requests refused before the application saw them.",
    "websockets": "WebSockets accepted by the application.",
    "messages_received": "Messages of WebSockets received.",
    "message_bytes_received": "Their payload.",
    "messages_sent": "Messages sent to WebSockets, those of groups included.",
    "message_bytes_sent": "Their payload, before any compression.",
    "group_messages_shared": "Group messages delivered without a run of the consumer.",
    "group_messages_consumed": "Messages of channel layers that consumers took.",
    "slow_closed": "WebSockets closed for not keeping up with their groups.",
    "slow_dropped_oldest": "Group messages dropped by --slow-consumer drop-oldest.",
    "rate_closed": "WebSockets closed for sending more than they may.",
    "slow_dropped_newest": "Group messages dropped by either dropping policy.",
}


@dataclass(frozen=True, slots=True)
class Family:
    """One metric with its samples: a label's value for each, or "" for the only one."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    samples: Mapping[str, float]
    label: str = ""


def counts(metrics: Mapping[str, int]) -> list[Family]:
    """Return the families of what a core has counted."""
    return [
        Family(f"casgi_{name}_total", "counter", COUNTS.get(name, name), {"": count})
        for name, count in metrics.items()
    ]


def exposition(families: Iterable[Family]) -> str:
    """Return the text of these."""
    return "".join(line for family in families for line in _lines(family))


def _lines(family: Family) -> Iterable[str]:
    yield f"# HELP {family.name} {family.help}\n"
    yield f"# TYPE {family.name} {family.kind}\n"
    for value, figure in family.samples.items():
        labels = f'{{{family.label}="{value}"}}' if family.label else ""
        yield f"{family.name}{labels} {figure:.15g}\n"
