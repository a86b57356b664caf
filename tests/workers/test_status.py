"""What --metrics answers: while workers are held up, during a reload, and of one process."""

import http.client
import os
import re
import signal
import socket
from pathlib import Path

import pytest
from support.casgi_process import DEADLINE, CasgiProcess
from support.ports import free_port

from casgi import _core
from casgi.errors import BindError, ConfigError
from casgi.status.answering import bind_status, parse_address
from casgi.status.exposition import COUNTS, Family, exposition

PROJECT = Path(__file__).parent / "project"
SAMPLE = re.compile(r'^(\w+)(?:\{(?:\w+="([^"]*)",)?\w+="([^"]*)"\})? (\S+)$')


def ask(port: int, path: str, method: str = "GET") -> tuple[int, str]:
    """Return the status and the body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    connection.request(method, path)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


def figures(port: int) -> dict[tuple[str, str], float]:
    """Return the samples of /metrics by name and label."""
    status, text = ask(port, "/metrics")
    assert status == 200
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    matches = [SAMPLE.match(line) for line in samples]
    assert all(matches), samples
    return {
        (match[1], ",".join(filter(None, (match[2], match[3])))): float(match[4])
        for match in matches
        if match
    }


def start_with_metrics(start, *arguments: str, **options: object):
    port = free_port()
    site = start("--metrics", str(port), *arguments, **options)
    return site, port


def test_supervisor_sums_what_its_workers_count(start):
    site, port = start_with_metrics(start, "kept:tell_process")
    workers = {site.worker(1), site.worker(2)}
    pids = {site.worker_of() for _ in range(5)}
    assert pids <= workers
    # A worker's figures are there when its turn is over, and it serves when it has heard that.
    expected = {"casgi_requests_total": 5, "casgi_workers": 2}
    while any((told := figures(port))[name, ""] < least for name, least in expected.items()):
        pass
    assert told["casgi_requests_total", ""] == 5
    assert told["casgi_connections_total", ""] == 5
    assert told["casgi_workers", ""] == 2
    assert told["casgi_worker_restarts_total", ""] == 0
    labels = {label for name, label in told if name == "casgi_open_connections"}
    assert {int(label.partition(":")[2]) for label in labels} == workers
    assert told["casgi_memory_bytes", "supervisor"] > 1 << 20
    assert ("casgi_hub_peers", "") in told
    os.kill(site.worker(1), signal.SIGKILL)
    site.worker(1, nth=1)
    told = figures(port)
    # What a worker has counted is not lost with it.
    assert told["casgi_requests_total", ""] == 5
    assert told["casgi_worker_restarts_total", ""] == 1
    assert site.stop() == 0


def test_supervisor_answers_while_a_worker_is_held_up(start):
    site, port = start_with_metrics(start, "--application-close-timeout", "0", "kept:blocking")
    site.worker(2)
    with socket.create_connection(("127.0.0.1", site.port()), timeout=DEADLINE) as client:
        client.sendall(b"GET /block HTTP/1.1\r\nHost: x\r\n\r\n")
        pid = int(site.stdout.wait_for(r"^blocked (\d+)$")[1])
        assert ask(port, "/health") == (200, "alive\n")
        assert ask(port, "/ready") == (200, "ready\n")
        delays = {k[1]: v for k, v in figures(port).items() if k[0] == "casgi_loop_delay_seconds"}
        (delay,) = [v for label, v in delays.items() if label.endswith(f":{pid}")]
        assert delay > 0
        os.kill(pid, signal.SIGKILL)
        site.stderr.wait_for("was ended by SIGKILL")
    assert site.stop() == 0


def test_readiness_ends_with_the_beginning_of_a_stop(start):
    site, port = start_with_metrics(start, "kept:endless")
    with socket.create_connection(("127.0.0.1", site.port()), timeout=DEADLINE) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        site.stdout.wait_for("^request$")
        assert ask(port, "/ready")[0] == 200
        site.signal(signal.SIGTERM)
        site.stderr.wait_for("Waiting up to")
        assert ask(port, "/ready") == (503, "not ready\n")
        assert ask(port, "/health")[0] == 200
        site.signal(signal.SIGTERM)
        assert site.wait() == 0


def test_readiness_outlives_a_reload(start, tmp_path):
    broken, go_on = tmp_path / "broken", tmp_path / "go-on"
    go_on.touch()
    variables = {"BROKEN": str(broken), "GO_ON": str(go_on)}
    site, port = start_with_metrics(start, "kept:deployed_slowly()", variables=variables)
    site.worker(2)
    go_on.unlink()
    site.signal(signal.SIGHUP)
    site.stderr.wait_for("Replacing the workers$")
    assert ask(port, "/ready")[0] == 200
    go_on.touch()
    while not any("were replaced" in line for line in site.stderr.so_far()):
        assert ask(port, "/ready")[0] == 200
    assert site.stop() == 0


def test_address_in_use_stops_the_start(start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        site = start("--metrics", str(taken.getsockname()[1]), "kept:tell_process")
        assert site.wait() == 2
    assert any("for --metrics: Address already in use" in line for line in site.stderr.lines())


@pytest.fixture
def single():
    port = free_port()
    process = CasgiProcess("-p", "0", "--metrics", str(port), "kept:endless", folder=PROJECT)
    yield process, port
    process.close()


def test_single_process_answers(single):
    process, port = single
    with socket.create_connection(("127.0.0.1", process.port()), timeout=DEADLINE) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        process.stdout.wait_for("^request$")
        told = figures(port)
        assert told["casgi_requests_total", ""] == 1
        assert told["casgi_open_connections", "1"] == 1
        assert ask(port, "/ready")[0] == 200
        process.signal(signal.SIGTERM)
        process.stderr.wait_for("Waiting up to")
        assert ask(port, "/ready")[0] == 503
        process.signal(signal.SIGTERM)
        assert process.wait() == 0


def test_other_pages_and_methods(single):
    process, port = single
    process.port()
    assert ask(port, "/other")[0] == 404
    assert ask(port, "/metrics?x=1")[0] == 200
    assert ask(port, "/health", "POST")[0] == 405
    assert ask(port, "/health", "HEAD") == (200, "")
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as client:
        client.sendall(b"x" * 100_000)
        client.shutdown(socket.SHUT_WR)
    assert ask(port, "/health")[0] == 200
    assert process.stop() == 0


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9100", ("127.0.0.1", 9100)),
        (":9100", ("", 9100)),
        ("0.0.0.0:9100", ("0.0.0.0", 9100)),
        ("[::1]:9100", ("::1", 9100)),
        ("unix:/run/x", "/run/x"),
    ],
)
def test_addresses(text, address):
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "host", "host:", "host:port", "unix:", "1:70000"])
def test_wrong_addresses(text):
    with pytest.raises(ConfigError, match="metrics must be"):
        parse_address(text)


def test_unix_socket_takes_no_place_of_anything_else(tmp_path):
    path = tmp_path / "kept"
    path.write_text("of somebody")
    with pytest.raises(BindError, match="not a socket"):
        bind_status(f"unix:{path}")
    assert path.read_text() == "of somebody"
    bound = bind_status(f"unix:{tmp_path / 'status'}")
    assert bound.socket.getsockname() == str(tmp_path / "status")
    with pytest.raises(BindError, match="in use"):
        bind_status(f"unix:{tmp_path / 'status'}")
    bound.socket.close()
    bind_status(f"unix:{tmp_path / 'status'}").close()
    assert not (tmp_path / "status").exists()
    with pytest.raises(BindError, match="too long"):
        bind_status(f"unix:{tmp_path / ('x' * 200)}")


def test_every_count_of_the_core_is_described():
    scoreboard = _core.Scoreboard()
    assert set(scoreboard.read(0)[3]) == set(COUNTS)


def test_exposition():
    family = Family("a_total", "counter", "What it is.", {"x": 1, "y": 12345678901}, "of")
    assert exposition([family]) == (
        "# HELP a_total What it is.\n# TYPE a_total counter\n"
        'a_total{of="x"} 1\na_total{of="y"} 12345678901\n'
    )
