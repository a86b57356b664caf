"""The exact count of refcount_check.py, in an interpreter without other threads."""

import subprocess
import sys
from pathlib import Path


def test_every_use_leaves_nothing() -> None:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("refcount_check.py"))],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
