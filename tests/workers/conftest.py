"""Fixtures of the tests of workers."""

import contextlib
import http.client
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.casgi_process import DEADLINE, CasgiProcess

PROJECT = Path(__file__).parent / "project"
Start = Callable[..., "Site"]


class Site(CasgiProcess):
    """A supervisor with its workers."""

    def worker_of(self, path: str = "/") -> int:
        """Return the PID that a new connection is answered with."""
        return int(self.get(path))

    def get(self, path: str = "/") -> str:
        """Return the body that a new connection gets."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port(), timeout=DEADLINE)
        with contextlib.closing(connection):
            connection.request("GET", path)
            return connection.getresponse().read().decode()

    def worker(self, number: int, nth: int = 0) -> int:
        """Return the PID of a worker, waiting until the nth of its number serves."""
        return int(self.stderr.wait_for(rf"Worker {number} \(PID (\d+)\) serves$", nth)[1])


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a supervisor with these options for a test, and end it after it."""
    sites: list[Site] = []

    def start_site(*arguments: str, workers: int = 2, **options: Any) -> Site:
        options.setdefault("folder", PROJECT)
        sites.append(Site("--workers", str(workers), "-p", "0", *arguments, **options))
        return sites[-1]

    yield start_site
    for site in sites:
        site.close()
