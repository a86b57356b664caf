"""Fixtures of the tests of `manage.py runserver`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

# The chat's server and its people.
sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))

from runserver_process import PROJECT, Runserver, StartRunserver, environment


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the project."""
    return Path(shutil.copytree(PROJECT, tmp_path / "project"))


@pytest.fixture
def runserver(folder: Path, tmp_path: Path) -> Iterator[StartRunserver]:
    """Start the command with options, and environment variables as keywords."""
    with ExitStack() as running:

        def start(*options: str, host: str = "127.0.0.1", **variables: str) -> Runserver:
            log = tmp_path / "runserver.log"
            served = Runserver(folder, log, *options, variables=environment(**variables), host=host)
            served.waits_for_port = variables.get("first_app") == "daphne"
            return running.enter_context(served)

        yield start
