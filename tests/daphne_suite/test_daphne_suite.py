"""daphne's tests pass on casgi, but for the differences that docs/daphne-options.md lists."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from daphne_suite import ROOT, failures
from support.source_distribution import SourceDistribution

HEADING = "| difference | why | tests that meet it |\n|---|---|---|\n"
RACY = {"early"}
"""A test meets it when the client is faster than what the application does next."""


def documented() -> dict[str, int]:
    """Return how many tests meet each difference, as the page says."""
    text = (ROOT / "docs" / "daphne-options.md").read_text().partition(HEADING)[2]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line]
    return {name: int(count) for name, _, count in rows}


# The whole suite, seven times.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def failures_with(tmp_path_factory: pytest.TempPathFactory) -> dict[str | None, dict[str, str]]:
    """What fails when only one difference is not levelled out, or none."""
    suite = SourceDistribution("daphne")
    differences = documented()

    def run(difference: str | None, folder: Path) -> dict[str, str]:
        suite.extract(folder)
        return failures(folder, differences.keys() - {difference})

    which = [None, *differences]
    folders = [tmp_path_factory.mktemp("suite") for _ in which]  # That is not for several threads.
    with ThreadPoolExecutor(4) as pool:  # The tests wait half of the time.
        return dict(zip(which, pool.map(run, which, folders), strict=True))


def test_everything_passes_without_the_differences(failures_with: Any) -> None:
    assert failures_with[None] == {}


@pytest.mark.parametrize("difference", documented())
def test_difference(failures_with: Any, difference: str) -> None:
    """It is met by as many tests as the page says: levelling it out is needed for those."""
    met = failures_with[difference]
    if difference in RACY:
        assert len(met) <= documented()[difference], met
    else:
        assert len(met) == documented()[difference], met
