"""A pytest plugin: the tests that run with it talk to casgi, not daphne, and are not touched.

LEVELLED has the names of differences that are levelled out, so that tests meet only the others.
REPORT is the file to write the outcomes to, as JSON: {test: its error, "" when it has passed}.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import multiprocessing
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import daphne.testing
import hypothesis
import pytest

import casgi.testing.daphne
from casgi.server import Server

LEVELLED = set(os.environ["LEVELLED"].split(","))
OTHER_KEYS = {"http": {"extensions"}, "websocket": {"extensions", "http_version"}}
HOST = "added.invalid"
PATIENCE = 20.0
"""Seconds in the place of the suite's one or two, which a busy machine exceeds."""

# The same examples each time, and no search for the smallest that fails: most fail for the same
# reason.
hypothesis.settings.register_profile(
    "suite",
    derandomize=True,
    database=None,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)
hypothesis.settings.load_profile("suite")


class Process(casgi.testing.daphne.DaphneProcess):
    """casgi's process, with what a test wants of daphne's: its server and its reactor."""

    server: SimpleNamespace
    latest: Process

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.is_idle = multiprocessing.Event()
        """No application is running, or it has received all that there was of its request."""
        self.is_idle.set()
        Process.latest = self

    def run(self) -> None:
        """Serve the application behind what levels out."""
        inner = self.get_application()
        self.get_application = lambda: _level(inner, self.is_idle)
        # daphne has no lifespan: its test application answers each message as if it were a request.
        self.kwargs["lifespan"] = "off"
        if "Date" in LEVELLED:
            self.kwargs["date_header"] = False
        super().run()

    def _on_started(self, server: Server) -> None:
        _stand_in_for_reactor(self, server)
        super()._on_started(server)


def _stand_in_for_reactor(process: Process, server: Server) -> None:
    """Let an application stop casgi by twisted's reactor; `process.server` then says what is left.

    Daphne's `connections` are the clients that are there and the applications that have not ended.
    """
    loop = asyncio.get_running_loop()
    process.server = SimpleNamespace(connections=None)

    def stop() -> None:
        assert server._core is not None
        process.server.connections = server._core.connections + server._core.tasks
        server.request_stop()

    reactor = SimpleNamespace(callLater=loop.call_later, stop=stop)
    sys.modules["twisted.internet"] = SimpleNamespace(reactor=reactor)  # type: ignore[assignment]


def _level(application: Any, is_idle: Any) -> Callable[..., Awaitable[None]]:
    async def levelled(scope: Any, receive: Any, send: Any) -> None:
        if "scope keys" in LEVELLED:
            others = OTHER_KEYS[scope["type"]]
            scope = {name: value for name, value in scope.items() if name not in others}
        if "addresses" in LEVELLED:
            scope = {**scope, **{name: list(scope[name]) for name in ("client", "server")}}
        if "missing Host" in LEVELLED:
            added = (b"host", HOST.encode())
            scope = {**scope, "headers": [h for h in scope["headers"] if tuple(h) != added]}

        is_over = False

        async def noted_receive() -> Any:
            nonlocal is_over
            if is_over:
                is_idle.set()
            event = await receive()
            is_over = event["type"] == "http.disconnect"
            return event

        if scope["type"] == "http":
            is_idle.clear()
        try:
            await application(scope, noted_receive, send)
        finally:
            is_idle.set()

    return levelled


class _Connection(http.client.HTTPConnection):
    """A client that says its host when the test does not, and never heard of Content-Length."""

    _has_host = False

    def __init__(self, host: str, port: int, timeout: float) -> None:
        super().__init__(host, port, timeout=max(timeout, PATIENCE))

    def putheader(self, header: Any, *values: Any) -> None:
        name = header.encode() if isinstance(header, str) else header
        self._has_host = self._has_host or name.lower() == b"host"
        super().putheader(header, *values)

    def endheaders(self, *arguments: Any, **options: Any) -> None:
        if not self._has_host and "missing Host" in LEVELLED:
            self.putheader("Host", HOST)
        super().endheaders(*arguments, **options)

    def getresponse(self) -> http.client.HTTPResponse:
        response = super().getresponse()
        if "early" in LEVELLED:
            assert Process.latest.is_idle.wait(PATIENCE), "the application is stuck"
        if "Content-Length" in LEVELLED:
            del response.headers["Content-Length"]
        return response


daphne.testing.DaphneProcess = Process
daphne.testing.BaseDaphneTestingInstance.startup_timeout = PATIENCE
http.client.HTTPConnection = _Connection  # type: ignore[misc,assignment]

_outcomes: dict[str, str] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep the error that the test has ended with; of several, as subtests have, the first."""
    name = report.nodeid.partition("::")[2].replace("::", ".")
    error = ""
    if report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        error = crash.message if crash is not None else str(report.longrepr)
    _outcomes[name] = _outcomes.get(name) or error


def pytest_sessionfinish() -> None:
    Path(os.environ["REPORT"]).write_text(json.dumps(_outcomes))
