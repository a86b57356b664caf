"""daphne's own test-suite, from its source distribution, run on casgi."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = ("test_http_request.py", "test_http_response.py", "test_websocket.py")
"""Those whose tests talk to a server."""

DEADLINE = 200.0


def failures(folder: Path, levelled: Iterable[str]) -> dict[str, str]:
    """Run the tests that are in the folder; return the error of each that has failed."""
    report = folder / "report.json"
    scratch = folder / "scratch"
    scratch.mkdir()
    paths = [str(ROOT / "pyshim"), str(Path(__file__).parent)]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "casgi_in_daphnes_place"]
    command += ["-p", "no:cacheprovider", "-p", "no:django", "-p", "no:casgi"]
    done = subprocess.run(
        [*command, *(f"tests/{file}" for file in FILES)],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "LEVELLED": ",".join(levelled),
            "REPORT": str(report),
            "TMPDIR": str(scratch),  # The tests leave their messages there, under fixed names.
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert report.exists(), done.stdout + done.stderr
    outcomes: dict[str, str] = json.loads(report.read_text())
    assert len(outcomes) >= 40, done.stdout
    return {name: error for name, error in outcomes.items() if error}
