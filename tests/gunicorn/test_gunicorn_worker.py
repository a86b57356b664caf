"""Gunicorn with casgi's worker class: its sockets, signals, limits and settings."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from docs.snippets import of_page
from support.certificates import Authority
from support.ports import free_port
from support.server_process import ServerProcess
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

FOLDER = Path(__file__).parent
SECONDS = 60.0

pytestmark = pytest.mark.timeout(180)


class Gunicorn(ServerProcess):
    """Gunicorn on a port, with an error log of its own and options."""

    def __init__(self, folder: Path, *options: str, environment: dict[str, str] | None = None):
        port = free_port()
        command = [sys.executable, "-m", "gunicorn", "-k", "casgi.gunicorn.CasgiWorker"]
        command += ["-b", f"127.0.0.1:{port}", "--chdir", str(FOLDER), *options]
        command += ["gunicorn_application:application"]
        path = os.pathsep.join(path for path in sys.path if path)
        variables = {**os.environ, "PYTHONPATH": path, **(environment or {})}
        super().__init__(command, port, folder / "gunicorn.log", folder, variables)
        self.url = f"http://127.0.0.1:{port}/"

    def get(self, path: str = "", **options: Any) -> list[str]:
        """Return the parts of the answer: process, scheme, client, root path."""
        answer = httpx.get(self.url + path, timeout=SECONDS, **options)
        return answer.text.split("|")

    def wait_for_log(self, text: str) -> None:
        until(lambda: text in self.log_text(), self.log_text)


def until(condition: Callable[[], Any], describe: Callable[[], str] = str) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, describe()
        time.sleep(0.02)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Gunicorn]]:
    with ExitStack() as stack:

        def start(*options: str) -> Gunicorn:
            server = stack.enter_context(Gunicorn(tmp_path, *options))
            # The master listens before there is a worker.
            server.get()
            return server

        yield start


def test_reload_and_stop_are_graceful(start: Callable[..., Gunicorn]) -> None:
    """A request that is under way is answered; WebSockets get 1012; the stop ends with 0."""
    server = start("--graceful-timeout", "30")
    first = server.get()[0]
    with connect(f"ws://127.0.0.1:{server.port}/", open_timeout=SECONDS) as client:
        client.send("hello")
        assert client.recv(timeout=SECONDS) == f"{first} hello"
        os.kill(server.pid, signal.SIGHUP)
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=SECONDS)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
    until(lambda: server.get()[0] != first)
    with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as slow:
        slow.sendall(b"GET /slow HTTP/1.1\r\nHost: site\r\n\r\n")
        # The worker has read it when it answers what came later on the same socket of Gunicorn.
        server.get()
        server.stop()
        assert slow.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert server.exit_code == 0
    assert "Traceback" not in server.log_text()


def test_quick_shutdown_waits_for_nobody(start: Callable[..., Gunicorn]) -> None:
    server = start("--graceful-timeout", "60")
    with connect(f"ws://127.0.0.1:{server.port}/", open_timeout=SECONDS) as client:
        server.stop_signal = signal.SIGINT
        server.stop()
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=SECONDS)
    assert server.exit_code == 0
    assert "Traceback" not in server.log_text()


def test_max_requests(start: Callable[..., Gunicorn]) -> None:
    server = start("--max-requests", "5")
    first = server.get()[0]
    until(lambda: server.get()[0] != first)
    assert "requests" in server.log_text()


def test_stuck_worker_is_replaced(start: Callable[..., Gunicorn]) -> None:
    server = start("--timeout", "2")
    first = server.get()[0]
    with suppress(httpx.HTTPError):
        server.get("stuck")
    server.wait_for_log("WORKER TIMEOUT")
    assert server.get()[0] != first


def test_idle_worker_shows_signs_of_life(start: Callable[..., Gunicorn]) -> None:
    """Gunicorn looks at the times of a file that each worker has open."""
    worker = start().get()[0]
    opened = Path(f"/proc/{worker}/fd").iterdir()
    (file,) = [each for each in opened if "wgunicorn" in str(each.readlink())]
    for _ in range(2):
        seen = file.stat().st_mtime_ns
        until(lambda seen=seen: file.stat().st_mtime_ns != seen)


def test_logs_are_reopened(start: Callable[..., Gunicorn], tmp_path: Path) -> None:
    access, errors = tmp_path / "access", tmp_path / "errors"
    server = start("--access-logfile", str(access), "--error-logfile", str(errors))
    until(lambda: "GET /" in access.read_text())
    access.rename(tmp_path / "access.1")
    errors.rename(tmp_path / "errors.1")
    os.kill(server.pid, signal.SIGUSR1)
    until(lambda: access.exists() and errors.exists())
    until(lambda: bool(server.get()) and "GET /" in access.read_text())
    assert "Traceback" not in (tmp_path / "errors.1").read_text() + errors.read_text()


def test_logs_are_reopened_by_a_worker_that_starts(tmp_path: Path) -> None:
    """Gunicorn passes the signal on to each worker, whatever it is at."""
    go_on = tmp_path / "go-on"
    with Gunicorn(tmp_path, environment={"SITE_WAITS_FOR": str(go_on)}) as server:
        server.wait_for_log("importing")
        (worker,) = re.findall(r"^importing (\d+)$", server.log_text(), re.MULTILINE)
        os.kill(int(worker), signal.SIGUSR1)
        go_on.touch()
        assert server.get()[0] == worker
        assert "The logs were opened anew" in server.log_text()


def test_unix_socket(tmp_path: Path, start: Callable[..., Gunicorn]) -> None:
    path = tmp_path / "site.sock"
    server = start("-b", f"unix:{path}")
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path))) as client:
        assert client.get("http://site/", timeout=SECONDS).status_code == 200
    server.stop()
    assert not path.exists()


def test_tls_options(tmp_path: Path, start: Callable[..., Gunicorn]) -> None:
    authority = Authority(tmp_path)
    files = authority.issue("127.0.0.1")
    own = authority.issue("client")
    context = ssl.create_default_context(cafile=authority.certificate)
    stranger = ssl.create_default_context(cafile=authority.certificate)
    context.load_cert_chain(own.certificate, own.key)
    options = ["--certfile", str(files.certificate), "--keyfile", str(files.key)]
    options += ["--ca-certs", str(authority.certificate), "--cert-reqs", "2"]
    server = Gunicorn(tmp_path, *options)
    server.url = server.url.replace("http:", "https:")
    with server:
        assert server.get(verify=context)[1] == "https"
        with pytest.raises(httpx.HTTPError):
            server.get(verify=stranger)


def test_whose_headers_are_believed(start: Callable[..., Gunicorn]) -> None:
    headers = {"X-Forwarded-For": "198.51.100.1", "X-Forwarded-Proto": "https"}
    believed = start().get(headers=headers)
    assert (believed[1], "198.51.100.1" in believed[2]) == ("https", True)
    not_believed = start("--forwarded-allow-ips", "192.0.2.1").get(headers=headers)
    assert (not_believed[1], "127.0.0.1" in not_believed[2]) == ("http", True)


def test_subclass_of_the_page(tmp_path: Path) -> None:
    """docs/gunicorn.md: a worker with an option of casgi's."""
    (snippet,) = of_page("docs/gunicorn.md")
    option = '"max_connections_per_address": 100'
    assert option in snippet
    (tmp_path / "site_worker.py").write_text(snippet.replace(option, '"root_path": "/site"'))
    with Gunicorn(
        tmp_path, "-k", "site_worker.SiteWorker", "--pythonpath", str(tmp_path)
    ) as server:
        assert server.get()[3] == "/site"


def test_application_that_cannot_start_ends_gunicorn(tmp_path: Path) -> None:
    server = Gunicorn(tmp_path, environment={"SITE_FAILS": "1"})
    with pytest.raises(AssertionError), server:
        until(lambda: server.exit_code is not None)
        raise AssertionError
    until(lambda: server.exit_code is not None)
    assert "no database" in server.log_text()
    assert "Worker failed to boot" in server.log_text()
