"""How long requests took, by the template of their route: --metrics, and `casgi ctl handlers`."""

import http.client
import os
import re
import signal
import socket
from pathlib import Path

import pytest
from support.casgi_process import DEADLINE, CasgiProcess
from support.http2 import Http2Client
from support.ports import free_port
from support.raw import RawClient, request
from support.ws import upgrade

from casgi.control.client import ask

PROJECT = Path(__file__).parent / "project"
COUNT = re.compile(r'^casgi_request_duration_seconds_count\{route="(.*)"\} (\d+)$', re.MULTILINE)


class Routed(CasgiProcess):
    def __init__(self, control: Path, *arguments: str) -> None:
        self.metrics = free_port()
        self.control = str(control)
        super().__init__(
            *("-p", "0", "--metrics", str(self.metrics), "--control", self.control),
            *arguments,
            folder=PROJECT,
        )

    def get(self, path: str) -> tuple[int, str]:
        return fetch(self.port(), path)

    def counts(self) -> dict[str, int]:
        """Return how many requests there were of each route."""
        text = fetch(self.metrics, "/metrics")[1]
        return {route: int(count) for route, count in COUNT.findall(text)}


def fetch(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


@pytest.fixture
def routed(tmp_path):
    sites: list[Routed] = []

    def start(*arguments: str) -> Routed:
        sites.append(Routed(tmp_path / "control", *arguments))
        return sites[-1]

    yield start
    for site in sites:
        site.close()


@pytest.mark.parametrize("options", [(), ("--no-accelerate",)], ids=["accelerated", "as it is"])
def test_routes_of_django(routed, options):
    site = routed(*options, "routed_django:application")
    for number in range(3):
        assert site.get(f"/articles/{number}/")[0] == 200
    assert site.get("/authors/somebody/") == (200, "async")
    assert site.get('/a"b/c')[0] == 200
    assert site.get("/failing/")[0] == 500
    assert site.get("/nowhere/")[0] == 404
    assert site.get("/")[0] == 200
    expected = {
        "articles/<int:number>/": 3,
        "authors/<slug:name>/": 1,
        r"^a\"b/(?P<x>\\w+)$": 1,
        "failing/": 1,
        "(none)": 1,
        "/": 1,
    }
    # The application has ended a moment after its response.
    while sum(site.counts().values()) < 8:
        pass
    assert site.counts() == expected
    if not options:
        # Noting the route leaves every part accelerated.
        line = site.stderr.wait_for(r"Django \S+ accelerated: (.*)")[1]
        assert "as it is" not in line
        assert "as they are" not in line
    text = fetch(site.metrics, "/metrics")[1]
    assert "casgi_responses_failed_total 1\n" in text
    handlers = ask(site.control, "handlers")["rows"]
    assert {row["handler"]: row["count"] for row in handlers}["articles/<int:number>/"] == 3
    assert all(row["total"] >= row["mean"] > 0 for row in handlers)


@pytest.mark.parametrize(
    ("application", "path", "route"),
    [
        ("routed_starlette:starlette", "/items/7", "/items/{number}"),
        ("routed_starlette:fast", "/things/7", "/things/{number}"),
    ],
)
def test_routes_of_other_frameworks(routed, application, path, route):
    site = routed(application)
    assert site.get(path)[0] == 200
    while not site.counts():
        pass
    assert site.counts() == {route: 1}


def test_times_outlive_their_worker(routed):
    site = routed("--workers", "2", "routed_django:application")
    site.stderr.wait_for(r"Worker 2 \(PID \d+\) serves")
    for _ in range(4):
        pid = int(site.get("/articles/1/")[1])
    while site.counts().get("articles/<int:number>/") != 4:
        pass
    os.kill(pid, signal.SIGKILL)
    site.stderr.wait_for(r"was ended by SIGKILL")
    site.stderr.wait_for(r"Worker \d \(PID \d+\) serves", 2)
    assert site.counts() == {"articles/<int:number>/": 4}
    text = fetch(site.metrics, "/metrics")[1]
    assert 'casgi_loop_turn_seconds_bucket{le="0.0005"}' in text
    assert site.stop() == 0


def test_what_an_application_leaves_in_its_scope(routed):
    site = routed("--static", f"/static/={PROJECT}", "routed_raw:application")
    answered = ["/template", "/both", "/route", "/number", "/empty", "/pathless", "/failing"]
    for path in [*answered, "/surrogate", "/static/routed_raw.py"]:
        assert site.get(path)[0] == 200
    assert site.get("/raising")[0] == 500
    with socket.create_connection(("127.0.0.1", site.port()), DEADLINE) as client:
        client.sendall(request("/waiting"))
        assert client.recv(1)
    with RawClient(socket.create_connection(("127.0.0.1", site.port()), DEADLINE)) as client:
        client.send(upgrade())
        assert client.read_response().status == 101
    with RawClient(socket.create_connection(("127.0.0.1", site.port()), DEADLINE)) as raw:
        client = Http2Client(raw)
        assert client.response(client.request("/route")).status == 200
    while sum(site.counts().values()) < 11:
        pass
    assert site.counts() == {
        "/{template}": 2,
        "/{route}": 2,
        "(none)": 5,
        "/{raising}": 1,
        "/{waiting}": 1,
    }


def test_nothing_stands_between_the_server_and_the_application(routed):
    """No coroutine around each request, and no timer that the loop looks at in each turn."""
    assert routed("routed_raw:application").get("/self") == (200, "application 0")
