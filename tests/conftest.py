"""Fixtures of the behaviour tests, and the check that every test leaves nothing alive behind it."""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.redis_server import RedisServer
from support.server import OVER_HTTP2, SECURE, LiveServer, Serve

LONGEST = (
    *("equivalence", "daphne_suite", "layers", "workers", "browser", "legacy", "packaging"),
    *("django_suite", "asgiref_suite", "django", "c", "bench"),
)
"""Folders with files of a minute or more, which start first: no process is left alone with one."""


# A hub, or a process at it, that the machine holds up for a moment is not dead (docs/hub.md).
os.environ.setdefault("CASGI_HUB_SILENCE", "5")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    starts = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: starts.get(folder_of(item), len(LONGEST)))
    for item in items:
        if SECURE and item.get_closest_marker("plain"):
            item.add_marker(pytest.mark.skip(reason="it knows that the transport is not TLS"))
        if OVER_HTTP2 and item.get_closest_marker("http1"):
            item.add_marker(pytest.mark.skip(reason="it knows that it is HTTP/1.1"))


def folder_of(item: pytest.Item) -> str:
    return item.path.relative_to(Path(__file__).parent).parts[0]


# A shell starts what it runs in the background with Ctrl-C ignored, nohup with SIGHUP ignored, and
# children inherit that: servers would leave both alone.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Fail a test after which an object of the extension module is still alive."""
    yield
    if "channels.layers" in sys.modules:
        # Layers are made once for a process, and keep what their channels and groups have.
        sys.modules["channels.layers"].channel_layers.backends = {}
    if "casgi._core" not in sys.modules:
        return
    from support.engines import counters

    # What a test has made is young; a look at all modules takes longer than most tests.
    for generation in (1, 2):
        if counters():
            gc.collect(generation)
    assert not counters(), f"left alive: {counters()}"


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers for a test: `serve(application, **options)` returns a LiveServer."""
    servers: list[LiveServer] = []

    def start(*arguments: object, **options: object) -> LiveServer:
        servers.append(LiveServer(*arguments, **options))  # type: ignore[arg-type]
        return servers[-1]

    yield start
    failures = []
    for server in reversed(servers):
        try:
            server.stop()
        except AssertionError as failure:
            failures.append(failure)
    servers.clear()
    if failures:
        raise failures[0]


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A running Redis of the test's own."""
    with RedisServer(tmp_path) as server:
        yield server
