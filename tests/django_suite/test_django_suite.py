"""Django's own tests have the same outcomes with ours in place, sent through the async chain.

A short selection; `make django-suite` runs one of more than 1,200 requests. What fails without us,
since the chain is the async one, fails with us too, and nothing else does.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.source_distribution import SourceDistribution

ROOT = Path(__file__).parents[2]
SUITES = os.environ.get("DJANGO_SUITES", "middleware_exceptions handlers asgi").split()
SECONDS = 3000


def _run(folder: Path, ours: str) -> tuple[list[str], int, int, int]:
    """Return the tests that failed, and how many tests, requests and passages there were."""
    command = [
        sys.executable,
        "-W",
        "ignore",
        str(Path(__file__).with_name("run_through_async.py")),
    ]
    done = subprocess.run(
        [*command, "--parallel=1", "-v0", *SUITES],
        cwd=folder / "tests",
        env={**os.environ, "PYTHONPATH": str(ROOT / "pyshim"), "OURS": ours},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    output = done.stdout + done.stderr
    count = re.search(r"^Ran (\d+) tests", output, re.MULTILINE)
    assert count is not None, output
    made = re.findall(r"^(\d+) (\d+)$", output, re.MULTILINE)
    assert len(made) == 1, output
    requests, passages = map(int, made[0])
    failed = re.findall(r"^(?:FAIL|ERROR): (.*)$", output, re.MULTILINE)
    return sorted(failed), int(count[1]), requests, passages


@pytest.mark.timeout(SECONDS)
def test_same_outcomes(tmp_path: Path) -> None:
    SourceDistribution("django").extract(tmp_path)
    with ThreadPoolExecutor(2) as pool:
        stock, ours = pool.map(_run, [tmp_path] * 2, ("no", "yes"))
    assert ours[:3] == stock[:3]
    assert ours[3] > ours[2] / 4
