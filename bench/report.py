"""The result of one command, as a plain table and as JSON."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.process import Cores
from bench.scenarios import Metric, Scenario


@dataclass
class Report:
    """Collects the figures of every round, and the servers that have none."""

    scenario: Scenario
    machine: Mapping[str, str]
    cores: Cores
    reference: str = "casgi"
    """The server whose figures are divided by those of the others."""
    versions: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    rounds: dict[str, list[Mapping[str, float]]] = field(default_factory=dict)

    def median(self, server: str, key: str) -> float:
        """Return a server's median over the rounds."""
        return statistics.median(figures[key] for figures in self.rounds[server])

    def ratio(self, server: str, key: str) -> float | None:
        """Return the reference's median divided by the server's; None if that means nothing."""
        if self.reference not in self.rounds or not self.median(server, key):
            return None
        return self.median(self.reference, key) / self.median(server, key)

    def head(self) -> str:
        """Return what is measured, with its settings."""
        settings = self.scenario.settings().items()
        asked = ", ".join(f"{name} {value}" for name, value in settings if value is not None)
        return f"{self.scenario.name}: {self.scenario.summary} ({asked})"

    def text(self, with_machine: bool = True) -> str:
        """Return the table with what it was measured on above, and what is missing below."""
        cores = f"server on core {self.cores.server}, client on core {self.cores.client}"
        lines = [f"{self.head()}; {cores}"]
        if with_machine:
            lines += [f"  {name}: {value}" for name, value in self.machine.items()]
        if self.rounds:
            lines += ["", *_align(self._rows())]
        if self._round_count() > 1:
            lines += ["", f"median (lowest-highest) of {self._round_count()} rounds"]
        if self.failures:
            lines += ["", *(f"failed: {name}: {why}" for name, why in self.failures.items())]
        if self.left_out:
            lines += ["", *(f"left out: {name}: {why}" for name, why in self.left_out.items())]
        return "\n".join(lines)

    def document(self) -> dict[str, object]:
        """Return everything, with the figures of each round, for a JSON file."""
        return {
            "command": self.scenario.name,
            "settings": self.scenario.settings(),
            "machine": self.machine,
            "cores": {"server": self.cores.server, "client": self.cores.client},
            "servers": {server: self._server_document(server) for server in self.rounds},
            "failures": self.failures,
            "left_out": self.left_out,
        }

    def _server_document(self, server: str) -> dict[str, object]:
        keys = list(self.rounds[server][0])
        return {
            "version": self.versions[server],
            "median": {key: self.median(server, key) for key in keys},
            "casgi_ratio": {key: self.ratio(server, key) for key in keys},
            "rounds": self.rounds[server],
        }

    def _round_count(self) -> int:
        return max((len(rounds) for rounds in self.rounds.values()), default=0)

    def _rows(self) -> list[list[str]]:
        metrics, compared = self.scenario.metrics, self.scenario.compared
        names = {metric.key: metric.heading for metric in metrics}
        ratio = f"{self.reference}/server"
        ratios = [ratio, *(f"{ratio} {names[key]}" for key in compared[1:])]
        rows = [["server", "version", *ratios[: len(compared)]]]
        rows[0] += [metric.heading for metric in metrics]
        for server in self.rounds:
            cells = [self._ratio_cell(server, key) for key in compared]
            cells += [self._cell(server, metric) for metric in metrics]
            rows.append([server, self.versions[server], *cells])
        return rows

    def _ratio_cell(self, server: str, key: str) -> str:
        ratio = self.ratio(server, key)
        return "-" if ratio is None else f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.3f}"

    def _cell(self, server: str, metric: Metric) -> str:
        def number(value: float) -> str:
            return f"{value:,.{metric.digits}f}"

        values = [figures[metric.key] for figures in self.rounds[server]]
        if len(values) == 1:
            return number(values[0])
        middle = number(statistics.median(values))
        return f"{middle} ({number(min(values))}-{number(max(values))})"


def _align(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines with the first two columns to the left and the figures to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
