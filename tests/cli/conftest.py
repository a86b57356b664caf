"""Fixtures of the tests of the command."""

import http.client
from collections.abc import Callable, Iterator

import pytest
from support.casgi_process import DEADLINE, CasgiProcess

StartCasgi = Callable[..., CasgiProcess]
Get = Callable[[int], str]


@pytest.fixture
def casgi() -> Iterator[StartCasgi]:
    """Start processes of the command for a test, and end them after it."""
    processes: list[CasgiProcess] = []

    def start(*arguments: str, **options: object) -> CasgiProcess:
        processes.append(CasgiProcess(*arguments, **options))  # type: ignore[arg-type]
        return processes[-1]

    yield start
    for process in processes:
        process.close()


@pytest.fixture
def get() -> Get:
    """Return the body that a local server on a port answers GET / with."""

    def request(port: int, host: str = "127.0.0.1") -> str:
        connection = http.client.HTTPConnection(host, port, timeout=DEADLINE)
        try:
            connection.request("GET", "/")
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    return request
