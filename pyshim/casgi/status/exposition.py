"""Figures as Prometheus reads them: its text format, version 0.0.4."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from casgi.status.observed import GAUGES, GROWING, Observed, Times

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# Of the core's counts, csrc/base/metrics.h: what each is.
COUNTS = {
    "connections": "Connections accepted.",
    "requests": "Requests begun, opening handshakes and refused ones included.",
    "requests_refused": "Requests refused before the application saw them.",
    "responses_failed": "Responses with a status from 500 on.",
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

_GAUGES_OF_THE_HUB = ("peers", "topics", "waiting", "waiting_bytes", "unread_bytes")


@dataclass(frozen=True, slots=True)
class Family:
    """One metric with its samples: a label's value for each, or "" for the only one."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    samples: Mapping[str, float]
    label: str = ""

    def lines(self) -> Iterable[str]:
        """Return the lines of all samples."""
        for value, figure in self.samples.items():
            labels = f'{{{self.label}="{_escaped(value)}"}}' if self.label else ""
            yield f"{self.name}{labels} {figure:.15g}\n"


@dataclass(frozen=True, slots=True)
class HistogramFamily:
    """Times in buckets: for each value of a label, or "" for the only one."""

    name: str
    help: str
    bounds: tuple[float, ...]
    samples: Mapping[str, Times]
    label: str = ""

    kind: ClassVar[str] = "histogram"

    def lines(self) -> Iterable[str]:
        """Return the lines of all samples, counted from the first bucket on."""
        for value, (counts, seconds) in self.samples.items():
            own = f'{self.label}="{_escaped(value)}"' if self.label else ""
            total = 0
            bounds = [*(f"{bound:g}" for bound in self.bounds), "+Inf"]
            for bound, count in zip(bounds, counts, strict=True):
                total += count
                labels = ",".join(filter(None, (own, f'le="{bound}"')))
                yield f"{self.name}_bucket{{{labels}}} {total}\n"
            labels = f"{{{own}}}" if own else ""
            yield f"{self.name}_sum{labels} {seconds:.15g}\n"
            yield f"{self.name}_count{labels} {total}\n"


AnyFamily: TypeAlias = Family | HistogramFamily


def observed_families(observed: Observed, bounds: tuple[float, ...]) -> list[AnyFamily]:
    """Return the families of what was observed."""
    families: list[AnyFamily] = [
        HistogramFamily(
            "casgi_request_duration_seconds",
            "How long the application took for a request, by the route that it has matched.",
            bounds,
            observed.routes,
            "route",
        ),
        HistogramFamily(
            "casgi_loop_turn_seconds",
            "How long turns of the event loops lasted: so long at most what is ready waits.",
            bounds,
            {"": observed.turns},
        ),
        Family("casgi_objects", "gauge", "Objects of the core.", observed.objects, "kind"),
    ]
    for name, text in GAUGES.items():
        families.append(Family(f"casgi_{name}", "gauge", text, {"": observed.values[name]}))
    for name, text in GROWING.items():
        families.append(Family(f"casgi_{name}_total", "counter", text, {"": observed.values[name]}))
    return families


def counts(metrics: Mapping[str, int]) -> list[Family]:
    """Return the families of what a core has counted."""
    return [
        Family(f"casgi_{name}_total", "counter", COUNTS.get(name, name), {"": count})
        for name, count in metrics.items()
    ]


def hub_families(metrics: Mapping[str, int]) -> list[Family]:
    """Return the families of what a hub has counted."""
    return [
        Family(f"casgi_hub_{name}", "gauge", f"Of the hub: {name} now.", {"": count})
        if name in _GAUGES_OF_THE_HUB
        else Family(f"casgi_hub_{name}_total", "counter", f"Of the hub: {name}.", {"": count})
        for name, count in metrics.items()
    ]


def exposition(families: Iterable[AnyFamily]) -> str:
    """Return the text of these."""
    return "".join(line for family in families for line in _lines(family))


def _lines(family: AnyFamily) -> Iterable[str]:
    yield f"# HELP {family.name} {family.help}\n"
    yield f"# TYPE {family.name} {family.kind}\n"
    yield from family.lines()


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
