"""OpenTelemetry traces an application under casgi as under uvicorn: docs/opentelemetry.md."""

import json
import sys
import time
from collections import Counter
from http.client import HTTPConnection
from pathlib import Path

import pytest
from support.casgi_process import DEADLINE, CasgiProcess, environment
from support.ports import free_port
from support.server_process import ServerProcess
from websockets.sync.client import connect

pytest.importorskip("opentelemetry.instrumentation.django")
pytest.importorskip("opentelemetry.exporter.otlp.proto.http")

PROJECT = Path(__file__).parent / "project"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


def get(port: int, path: str, **headers: str) -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def use(port: int) -> None:
    """Have everything done once that is traced."""
    get(port, "/sync/1/")
    get(port, "/async/", traceparent=f"00-{TRACE}-{PARENT}-01")
    get(port, "/failing/")
    get(port, "/nowhere/")
    for room in ("room", "plain"):
        address = f"ws://127.0.0.1:{port}/{room}/"
        with connect(address) as first, connect(address) as second:
            first.send("hello")
            assert (first.recv(DEADLINE), second.recv(DEADLINE)) == ("hello", "hello")


def spans(port: int) -> Counter[tuple[str, ...]]:
    """Return what has been traced, but for these questions."""
    traced = (tuple(span) for span in json.loads(get(port, "/spans/")))
    return Counter(span for span in traced if not any("spans/" in name for name in span))


def wait_for_spans(port: int, expected: Counter[tuple[str, ...]]) -> None:
    """Wait until exactly these have been traced: some end after their response."""
    deadline = time.monotonic() + DEADLINE
    while (there := spans(port)) != expected and time.monotonic() < deadline:
        time.sleep(0.05)
    assert there == expected


def is_whole(traced: Counter[tuple[str, ...]]) -> bool:
    """Whether every request and WebSocket of use() has ended."""
    return sum(count for span, count in traced.items() if span[0] == "SERVER") == 8


@pytest.mark.parametrize("application", ["traced:application", "traced:http_too"])
def test_traces_are_as_under_uvicorn(application, tmp_path):
    port = free_port()
    uvicorn = ServerProcess(
        [sys.executable, "-m", "uvicorn", "--port", str(port), application],
        port,
        tmp_path / "log",
        PROJECT,
        environment(),
    )
    ours = {"TRACED_BY_CASGI": "1"}
    casgi = CasgiProcess("-p", "0", application, folder=PROJECT, variables=ours)
    try:
        with uvicorn:
            use(port)
            deadline = time.monotonic() + DEADLINE
            while not is_whole(expected := spans(port)):
                assert time.monotonic() < deadline, expected
        use(casgi.port())
        wait_for_spans(casgi.port(), expected)
        assert any(TRACE.lstrip("0") in span[-1] for span in expected)
        assert any(span[2] == "work of the sync view" and len(span) > 3 for span in expected)
        # Nothing of Django's chain is left as it is; consumers behind the middleware are.
        line = casgi.stderr.wait_for(r"Django \S+ accelerated: (.*)")[1]
        assert "as it is" not in line
        assert "as they are" not in line
        casgi.stderr.wait_for("otel_receive .* wraps receive: .* by Channels alone")
    finally:
        casgi.close()
