"""The examples of docs/testing.md, run as they stand there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from example_project import copy_project, examples, passed, run_pytest

EXAMPLES = examples()
PATIENT = """
from playwright.sync_api import expect

expect.set_options(timeout=45_000)
"""


def test_every_example_is_run() -> None:
    assert len(EXAMPLES) == 7


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name: str, tmp_path: Path) -> None:
    if "selenium" in name and shutil.which("chromedriver") is None:
        pytest.skip("there is no chromedriver (Debian's package is chromium-driver)")
    folder = copy_project(tmp_path)
    (folder / name).write_text(EXAMPLES[name])
    # A busy machine takes longer than the five seconds that playwright gives a page.
    if "playwright" in name:
        (folder / "conftest.py").write_text(PATIENT)
    variables = {}
    if "channels_case" in name:
        # Under daphne, which is installed here: without it see test_without_daphne.py.
        (folder / name).write_text(EXAMPLES[name].replace('"casgi"', '"daphne"'))
        variables = {"SITE_TEST_DATABASE": str(tmp_path / "test.sqlite3")}
    assert passed(run_pytest(folder, name, **variables)) == EXAMPLES[name].count("def test_")
