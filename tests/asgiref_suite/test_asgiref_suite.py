"""asgiref's own tests, from its source distribution, have the same outcomes with leased threads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.source_distribution import SourceDistribution

ROOT = Path(__file__).parents[2]


def _run(folder: Path, leasing: str) -> dict[str, Any]:
    report = folder / "report.json"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "leasing_contexts", "tests"]
    command += ["-p", "no:cacheprovider", "-p", "no:django", "-p", "no:casgi"]
    paths = [str(ROOT / "pyshim"), str(Path(__file__).parent)]
    done = subprocess.run(
        command,
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "LEASING": leasing,
            "REPORT": str(report),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=220,
    )
    assert report.exists(), done.stdout + done.stderr
    found: dict[str, Any] = json.loads(report.read_text())
    return found


@pytest.mark.timeout(600)
def test_same_outcomes(tmp_path: Path) -> None:
    suite = SourceDistribution("asgiref")
    folders = [tmp_path / "stock", tmp_path / "leasing"]
    for folder in folders:
        folder.mkdir()
        suite.extract(folder)
    with ThreadPoolExecutor(2) as pool:  # The tests mostly wait.
        stock, leasing = pool.map(_run, folders, ("no", "yes"))
    assert len(stock["outcomes"]) > 70
    assert leasing["outcomes"] == stock["outcomes"]
    assert leasing["leased"] >= 3
