"""Generated consumers see and do the same accelerated as under stock Channels.

A case is a program, written as a module of consumers, and what happens to it (program.py). Two
processes play it, each with server and clients on one event loop that knows when nothing moves any
more, so that stock Channels gives the same to the letter every time (test_teeth.py).

What is compared are facts (facts.py): each client's frames in order and after which action they
came, its handshake and close, the journal of each consumer, exceptions, and what outside code met.
A fact counts only where stock Channels itself determines it: when something differs, stock is
played in many other orders (jitter.py), and facts that change with them are let go. Three things
differ by design and are not compared, though what they lead to can be seen:
  - who is half-way in a handler gets no more messages to its groups once its client is gone, and
    not only when disconnect() has been handled;
  - the channel of a consumer that has failed is gone: who sends to it never meets ChannelFull;
  - a shared frame fills no channel: with a small capacity less is lost.

An ordinary run plays the same few hundred cases each time. `make equivalence` plays new ones for
EQUIVALENCE_SECONDS. A difference that is found belongs into cases/, as the JSON of its report.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings

from equivalence.codec import from_json
from equivalence.companies import Company
from equivalence.comparison import compare
from equivalence.program import Case
from equivalence.strategies import cases

FOUND = sorted((Path(__file__).parent / "cases").glob("*.json"))
ORDINARY_EXAMPLES = 700
VERIFIED_EXAMPLES = 100
ROUND = 500
SECONDS = float(os.environ.get("EQUIVALENCE_SECONDS", "0"))
quietly = settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("path", FOUND, ids=[path.stem for path in FOUND])
def test_cases_that_were_found(path: Path, stock: Company, accelerated: Company) -> None:
    comparison = compare(from_json(path.read_text()), stock, accelerated)
    assert not comparison.wrong, comparison.report()


@pytest.mark.timeout(SECONDS + 300)
def test_clients_see_what_they_see_under_stock_channels(
    stock: Company, accelerated: Company
) -> None:
    tally: Counter[str] = Counter()

    def play(case: Case) -> None:
        comparison = compare(case, stock, accelerated)
        tally["cases"] += 1
        tally["undetermined"] += bool(comparison.undetermined)
        tally["shared"] += comparison.accelerated["shared"] > 0
        assert not comparison.wrong, comparison.report()

    play_all(play)
    print(dict(tally))
    assert tally["undetermined"] < tally["cases"] / 10
    assert tally["shared"] > tally["cases"] / 10


def test_verifying_changes_nothing(stock: Company, company: Callable[[str], Company]) -> None:
    def play(case: Case) -> None:
        comparison = compare(case, stock, company("verifying"))
        assert not comparison.wrong, comparison.report()
        assert comparison.accelerated["shared"] == 0

    seed(1)(settings(quietly, max_examples=VERIFIED_EXAMPLES)(given(cases())(play)))()


def play_all(play: Callable[[Case], None]) -> None:
    """Play the ordinary cases, or rounds of new ones for as long as was asked."""
    if not SECONDS:
        seed(0)(settings(quietly, max_examples=ORDINARY_EXAMPLES)(given(cases())(play)))()
        return
    end = time.monotonic() + SECONDS
    for number in count(time.time_ns()):
        if time.monotonic() > end:
            return
        seed(number)(settings(quietly, max_examples=ROUND)(given(cases())(play)))()
