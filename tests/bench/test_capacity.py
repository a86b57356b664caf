"""The plans of docs/capacity.md are those that their command makes of bench/RESULTS.md."""

import re
from dataclasses import replace

import pytest
from bench import costs
from bench.capacity import CONNECTIONS, PER_MINUTE, RESULTS, ROOM, figures, plan, plans, rates
from bench.chart import ROOT

FOUND = figures(RESULTS.read_text())


def test_page_has_the_tables() -> None:
    page = (ROOT / "docs" / "capacity.md").read_text()
    for table in (rates(FOUND), plans(FOUND, CONNECTIONS, ROOM, PER_MINUTE)):
        assert "\n".join(table) in page, "python -m bench.capacity prints them anew"


def test_figures_are_those_of_the_results() -> None:
    text = RESULTS.read_text()
    (shared,) = re.findall(r"members 200, handler shared.*\n.*\ncasgi +\S+ +1.00 +([\d.]+)", text)
    assert float(shared) == FOUND.delivery
    assert FOUND.redis > 0 and FOUND.redis_host > 0
    assert FOUND.worker > 20 * 1024


def test_results_without_a_figure_are_refused() -> None:
    text = RESULTS.read_text()
    with pytest.raises(SystemExit, match=r"bench\.costs"):
        figures(text.replace("membership:", "member:"))
    with pytest.raises(SystemExit, match="handler shared"):
        figures(text.replace("handler shared", "handler other"))


def test_plan_grows_with_what_is_asked_of_it() -> None:
    small = plan(FOUND, 100_000, 200, 1)
    assert (small.messages, small.deliveries) == pytest.approx((100_000 / 60, 100_000 / 60 * 200))
    assert small.cores * 0.6e6 >= small.deliveries * FOUND.delivery
    for grown in (
        plan(FOUND, 1_000_000, 200, 1),
        plan(FOUND, 100_000, 2_000, 1),
        plan(FOUND, 100_000, 200, 10),
        plan(replace(FOUND, delivery=FOUND.own_delivery * 2), 100_000, 200, 1),
    ):
        assert grown.cores > small.cores
        assert grown.gibibytes > small.gibibytes


def test_costs_are_measured_in_small(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(costs, "MEMBERSHIPS", 100_000)
    monkeypatch.setattr(costs, "MESSAGES", 1_000)
    costs.main()
    said = capsys.readouterr().out
    assert [line.partition(":")[0] for line in said.splitlines()] == [
        "membership",
        "kernel",
        "redis",
        "redis",
    ]
