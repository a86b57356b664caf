"""The chart of the README is the one that its command draws of bench/RESULTS.md."""

import re

import pytest
from bench.chart import PICTURE, RESULTS, ROOT, bars, description, picture

FOUND = bars(RESULTS.read_text())


def test_picture_is_up_to_date() -> None:
    assert PICTURE.read_text() == picture(FOUND), "python -m bench.chart draws it anew"


def test_readme_says_it_in_words() -> None:
    readme = (ROOT / "README.md").read_text()
    said = re.search(r"!\[([^]]*)\]\(docs/images/figures\.svg\)", readme)
    assert said and said[1].split() == description(FOUND).split()


def test_factors_are_those_of_the_tables() -> None:
    table = """
broadcast: CPU (members 2000, handler shared, bytes 64)
server  version  casgi/server  CPU us/delivery  lost
casgi   0.1.0            1.00              2.00     0
daphne  4.2.3           0.010          1,000.00     0

"""
    with pytest.raises(SystemExit, match="no table of broadcast members 2000 handler per-consumer"):
        bars(table)
    results = RESULTS.read_text().replace("handler shared", "handler other")
    (first, *_) = bars(table + results)
    assert (first.peer, first.text()) == ("daphne", "500 times")
