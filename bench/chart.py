"""Draws the chart of the README from bench/RESULTS.md: how many times less casgi needs.

`python -m bench.chart` writes docs/images/figures.svg and prints the text that stands for it where
pictures are not shown. A bar is another server's figure divided by casgi's in the same table.
"""

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "RESULTS.md"
PICTURE = ROOT / "docs" / "images" / "figures.svg"
PEERS = ("daphne", "uvicorn")

WIDTH, LABELS, BAR, GAP, MARGIN = 800, 330, 15, 14, 12
COLOURS = {"daphne": "#8a97a6", "uvicorn": "#c9a227"}


@dataclass(frozen=True)
class Row:
    """A line of the chart: what is compared, and the words that the table's head has."""

    label: str
    unit: str
    table: str
    settings: tuple[str, ...] = ()


ROWS = (
    Row("group message to 2,000 members", "CPU", "broadcast", ("members 2000", "handler shared")),
    Row("the same, a text for each", "CPU", "broadcast", ("members 2000", "handler per-consumer")),
    Row("WebSocket message, Channels", "CPU", "channels-echo"),
    Row("WebSocket message, plain ASGI", "CPU", "echo"),
    Row("HTTP request, plain ASGI", "CPU", "hello"),
    Row("idle WebSocket, Channels with sessions", "memory", "channels-idle", ("middleware auth",)),
    Row("idle WebSocket, plain ASGI", "memory", "idle"),
)


@dataclass(frozen=True)
class Bar:
    """One comparison: `times` is how much more the peer needs."""

    row: Row
    peer: str
    times: float

    def text(self) -> str:
        """Return the factor as people say it."""
        return f"{self.times:.0f} times" if self.times >= 9.5 else f"{self.times:.1f} times"


def bars(results: str) -> list[Bar]:
    """Return what the tables of a text of results say, a row of the chart after the other."""
    found = []
    for row in ROWS:
        factors = _factors(_table(results, row))
        found += [Bar(row, peer, factors[peer]) for peer in PEERS if peer in factors]
    return found


def _table(results: str, row: Row) -> str:
    """Return the table of a row, from its head to the next empty line."""
    for found in re.finditer(
        rf"^{row.table}: .*?(?:\n\n|\n```|\Z)", results, re.MULTILINE | re.DOTALL
    ):
        head = found[0].partition("\n")[0]
        if all(re.search(rf"\b{setting}\b", head) for setting in row.settings):
            return found[0]
    raise SystemExit(f"{RESULTS.name} has no table of {row.table} {' '.join(row.settings)}")


def _factors(table: str) -> dict[str, float]:
    """Return each server's factor: its first figure that is compared, divided by casgi's."""
    heading, *lines = table.strip().splitlines()[1:]
    columns = re.split(r"\s{2,}", heading)
    compared = next(at for at, name in enumerate(columns) if re.search(r"^(CPU us|KiB)/", name))
    cells = [re.split(r"\s{2,}", line) for line in lines]
    figures = {cell[0]: float(cell[compared].split()[0].replace(",", "")) for cell in cells}
    return {name: figure / figures["casgi"] for name, figure in figures.items()}


def description(found: Sequence[Bar]) -> str:
    """Return the chart in words."""
    said = []
    for row in ROWS:
        factors = [f"{bar.text()} less than {bar.peer}" for bar in found if bar.row == row]
        said.append(f"{row.label}: {row.unit} {' and '.join(factors)}")
    return "What casgi needs for a " + "; ".join(said) + "."


def picture(found: Sequence[Bar]) -> str:
    """Return the chart as an SVG that reads on light and on dark pages."""
    body = list(_body(found, (WIDTH - LABELS - 2 * MARGIN - 90) / max(bar.times for bar in found)))
    height = 56 + sum(len(_of(row, found)) * (BAR + 3) + GAP for row in ROWS)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
            ' font-family="system-ui, sans-serif" font-size="13">',
            f"<title>{description(found)}</title>",
            "<style>text { fill: #24292f } .note { fill: #57606a }"
            " @media (prefers-color-scheme: dark)"
            " { text { fill: #e6edf3 } .note { fill: #9aa4af } }</style>",
            *body,
            "</svg>",
            "",
        ]
    )


def _of(row: Row, found: Sequence[Bar]) -> list[Bar]:
    return [bar for bar in found if bar.row == row]


def _body(found: Sequence[Bar], scale: float) -> Iterator[str]:
    yield f'<text x="{MARGIN}" y="22" font-weight="600">How many times less casgi needs than</text>'
    left = LABELS + MARGIN
    for peer in PEERS:
        yield f'<rect x="{left}" y="11" width="12" height="12" fill="{COLOURS[peer]}"/>'
        yield f'<text x="{left + 18}" y="22">{peer}</text>'
        left += 90
    top = 44
    for row in ROWS:
        group = _of(row, found)
        middle = top + len(group) * (BAR + 3) / 2
        yield (
            f'<text x="{LABELS}" y="{middle + 3:.0f}" text-anchor="end">{row.label}'
            f'<tspan class="note">  {row.unit}</tspan></text>'
        )
        for bar in group:
            yield _bar(bar, top, bar.times * scale)
            top += BAR + 3
        top += GAP


def _bar(bar: Bar, top: int, width: float) -> str:
    left = LABELS + MARGIN
    return (
        f'<rect x="{left}" y="{top}" width="{width:.1f}" height="{BAR}"'
        f' fill="{COLOURS[bar.peer]}"/>'
        f'<text x="{left + width + 6:.1f}" y="{top + 12}">{bar.text()}</text>'
    )


def main() -> None:
    """Write the chart, and print its words."""
    found = bars(RESULTS.read_text())
    PICTURE.write_text(picture(found))
    print("\n".join(textwrap.wrap(description(found), 128)))


if __name__ == "__main__":
    main()
