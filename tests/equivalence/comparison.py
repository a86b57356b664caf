"""One case under stock Channels and accelerated, and what differs that must not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from equivalence.codec import to_json
from equivalence.companies import Company
from equivalence.facts import determined, differences, facts_of
from equivalence.program import Case
from equivalence.source import source_of

OTHER_ORDERS = range(1, 81)
"""Seeds of the stock runs that say what was determined, when something differs."""


@dataclass(frozen=True)
class Comparison:
    case: Case
    stock: dict[str, Any]
    accelerated: dict[str, Any]
    wrong: dict[str, tuple[Any, Any]]
    """Facts that stock Channels determines and that are others accelerated: (stock, other)."""
    undetermined: tuple[str, ...]
    """Facts that differ, as they do between runs of stock Channels."""

    def report(self) -> str:
        facts = "\n".join(
            f"{name}\n    stock:       {stock}\n    accelerated: {accelerated}"
            for name, (stock, accelerated) in self.wrong.items()
        )
        actions = "\n".join(map(repr, self.case.actions))
        return "\n\n".join([source_of(self.case.program), actions, facts, to_json(self.case)])


def compare(
    case: Case, stock: Company, accelerated: Company, orders: Iterable[int] = OTHER_ORDERS
) -> Comparison:
    accelerated.ask(case)
    expected = stock.play(case)
    seen = accelerated.answer()
    different = differences(facts_of(expected), seen)
    wrong, runs = different, [expected]
    for seed in orders:
        if not wrong:
            break
        runs.append(stock.play(case, seed))
        wrong = differences(determined(runs), seen)
    undetermined = tuple(name for name in different if name not in wrong)
    return Comparison(case, expected, seen, wrong, undetermined)
