"""The guestbook, with the examples of docs/testing.md as its tests, in a pytest of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parent / "project"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "testing.md"
EXAMPLE = re.compile(r"^```python\n# (test_\w+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OURS = ("SITE_", "CASGI_", "DJANGO_", "PYTEST_")


def examples() -> dict[str, str]:
    """Return the examples of the page by the names of their files."""
    return dict(EXAMPLE.findall(PAGE.read_text()))


def copy_project(folder: Path) -> Path:
    """Copy the guestbook."""
    return Path(shutil.copytree(PROJECT, folder / "project"))


def environment(**variables: str) -> dict[str, str]:
    """Return this process's environment without settings of the suite, and with these."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**inherited, **variables}


def run_pytest(
    folder: Path, *arguments: str, python: str = sys.executable, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run pytest with pytest-django in a copy of the project."""
    # pytest-asyncio asks for settings of its own.
    command = [python, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:asyncio", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(**variables),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=110,
    )


def passed(run: subprocess.CompletedProcess[str]) -> int:
    """Return how many tests have passed, of a run in which nothing else happened."""
    last = run.stdout.strip().splitlines()[-1]
    found = re.fullmatch(r"=* ?(\d+) passed in [^,]*s(?: \([\d:]+\))? ?=*", last)
    assert found and run.returncode == 0, run.stdout
    return int(found[1])
