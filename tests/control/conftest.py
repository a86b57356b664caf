"""Fixtures of the tests of `casgi ctl`: a server for each module, its control socket, clients."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.casgi_process import DEADLINE, CasgiProcess
from support.ws import upgrade

from casgi.control.client import ask

PROJECT = Path(__file__).parent / "project"
Connect = Callable[..., socket.socket]


class ControlledSite(CasgiProcess):
    """A server with a control socket."""

    def __init__(self, path: Path, *arguments: str, **options: Any) -> None:
        self.path = str(path)
        options.setdefault("folder", PROJECT)
        super().__init__("-p", "0", "--control", self.path, *arguments, **options)

    def rows(self, command: str, **arguments: Any) -> list[dict[str, Any]]:
        """Return what a command answers."""
        return ask(self.path, command, arguments)["rows"]

    def wait_for_rows(
        self, command: str, is_it: Callable[[dict[str, Any]], bool], count: int = 1
    ) -> list[dict[str, Any]]:
        """Return the rows of which that is true, asking until there are so many."""
        while True:
            found = [row for row in self.rows(command) if is_it(row)]
            if len(found) == count:
                return found

    def wait_until_workers_answer(self, count: int) -> None:
        """Wait until so many workers serve, and have called in."""
        while True:
            answer = ask(self.path, "limits")
            if not answer["silent"] and len({row["worker"] for row in answer["rows"]}) == count:
                return


@pytest.fixture(scope="module")
def single(tmp_path_factory) -> Iterator[ControlledSite]:
    path = tmp_path_factory.mktemp("single") / "control"
    site = ControlledSite(path, "served:application")
    site.port()
    yield site
    site.close()


@pytest.fixture(scope="module")
def workers(tmp_path_factory) -> Iterator[ControlledSite]:
    path = tmp_path_factory.mktemp("workers") / "control"
    site = ControlledSite(path, "--workers", "2", "served:application")
    site.stderr.wait_for(r"Worker 2 \(PID \d+\) serves")
    site.wait_until_workers_answer(2)
    yield site
    site.close()


@pytest.fixture
def start_workers(tmp_path) -> Iterator[Callable[..., ControlledSite]]:
    """Start a server of two workers that is of one test alone."""
    with contextlib.ExitStack() as running:

        def start(**options: Any) -> ControlledSite:
            arguments = tmp_path / "control", "--workers", "2", "served:application"
            site = ControlledSite(*arguments, **options)
            running.callback(site.close)
            site.stderr.wait_for(r"Worker 2 \(PID \d+\) serves")
            site.wait_until_workers_answer(2)
            return site

        yield start


@pytest.fixture
def own_workers(start_workers: Callable[..., ControlledSite]) -> ControlledSite:
    return start_workers()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connect to a site, and send a request or a handshake; closed at the end of the test."""
    with contextlib.ExitStack() as clients:

        def connect_to(site: ControlledSite, target: str, *, websocket: bool = False):
            address = ("127.0.0.1", site.port())
            client = clients.enter_context(socket.create_connection(address, timeout=DEADLINE))
            plain = f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
            client.sendall(upgrade(target) if websocket else plain)
            return client

        yield connect_to
