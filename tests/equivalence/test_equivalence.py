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

An ordinary run plays the same few hundred cases each time, in the same order, and as many of them
as a machine that is very busy plays in ten minutes. `make equivalence` plays new ones for
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
from hypothesis import HealthCheck, Phase, given, seed, settings

from equivalence.codec import from_json
from equivalence.companies import Company
from equivalence.comparison import compare
from equivalence.program import Case
from equivalence.strategies import cases

FOUND = sorted((Path(__file__).parent / "cases").glob("*.json"))
ORDINARY_EXAMPLES = 350
VERIFIED_EXAMPLES = 50
ORDINARY_SECONDS = 600
ROUND = 500
SECONDS = float(os.environ.get("EQUIVALENCE_SECONDS", "0"))
quietly = settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))
ordinarily = settings(quietly, phases=[Phase.generate])
"""Without making the case smaller, which plays thousands more: `make equivalence` does that."""


@pytest.mark.parametrize("path", FOUND, ids=[path.stem for path in FOUND])
def test_cases_that_were_found(path: Path, stock: Company, accelerated: Company) -> None:
    comparison = compare(from_json(path.read_text()), stock, accelerated)
    assert not comparison.wrong, comparison.report()


@pytest.mark.timeout(SECONDS + ORDINARY_SECONDS + 300)
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
    assert tally["cases"] >= ORDINARY_EXAMPLES / 5
    assert tally["undetermined"] < tally["cases"] / 10
    assert tally["shared"] > tally["cases"] / 10


@pytest.mark.timeout(ORDINARY_SECONDS + 300)
def test_verifying_changes_nothing(stock: Company, company: Callable[[str], Company]) -> None:
    played = 0

    def play(case: Case) -> None:
        nonlocal played
        comparison = compare(case, stock, company("verifying"))
        played += 1
        assert not comparison.wrong, comparison.report()
        assert comparison.accelerated["shared"] == 0

    play_some(play, 1, VERIFIED_EXAMPLES)
    assert played >= VERIFIED_EXAMPLES / 5


def play_all(play: Callable[[Case], None]) -> None:
    """Play the ordinary cases, or rounds of new ones for as long as was asked."""
    if not SECONDS:
        play_some(play, 0, ORDINARY_EXAMPLES)
        return
    end = time.monotonic() + SECONDS
    for number in count(time.time_ns()):
        if time.monotonic() > end:
            return
        seed(number)(settings(quietly, max_examples=ROUND)(given(cases())(play)))()


def play_some(play: Callable[[Case], None], number: int, examples: int) -> None:
    """Play the ordinary cases of this number, until the time for them is over."""
    end = time.monotonic() + ORDINARY_SECONDS

    def play_in_time(case: Case) -> None:
        if time.monotonic() < end:
            play(case)

    seed(number)(settings(ordinarily, max_examples=examples)(given(cases())(play_in_time)))()
