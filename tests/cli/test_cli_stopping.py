"""A stop comes to its end whatever the application does, and says what it waits for."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.casgi_process import DEADLINE, PROJECT, CasgiProcess, environment

from casgi import stopping
from casgi.stopping import Stopping

REQUEST = b"GET /report/ HTTP/1.1\r\nHost: x\r\n\r\n"
SOON = ("--application-close-timeout", "0.2")
NO_LIMIT = ("--application-close-timeout", "-1")


@pytest.fixture
def client() -> Iterator[socket.socket]:
    with socket.socket() as made:
        made.settimeout(DEADLINE)
        yield made


def send_request(client: socket.socket, process: CasgiProcess) -> None:
    """Send a request to an application that then says that it has it."""
    client.connect(("127.0.0.1", process.port()))
    client.sendall(REQUEST)
    process.stdout.wait_for("^request$")


def test_first_signal_says_what_is_waited_for_and_what_a_second_does(casgi, client):
    process = casgi("-p", "0", "served:endless")
    send_request(client, process)
    process.signal(signal.SIGINT)
    process.stderr.wait_for(
        r"Waiting up to \S+ s for 1 connections and 1 application tasks: GET /report/;"
        r" a second Ctrl-C or SIGTERM ends them now$"
    )
    process.signal(signal.SIGINT)
    assert process.wait() == 0


def test_nothing_is_said_when_nothing_is_waited_for(casgi):
    process = casgi("-p", "0", "served:with_lifespan")
    process.port()
    assert process.stop() == 0
    assert not [line for line in process.stderr.lines() if "Waiting" in line]


def test_one_time_for_all(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(stopping.time, "monotonic", lambda: now[0])
    stop = Stopping(10.0, None)  # type: ignore[arg-type]
    assert stop.seconds_left() == 10.0
    now[0] += 8
    assert stop.seconds_left(1.0) == 2.0
    now[0] += 8
    assert stop.seconds_left() == 0
    assert stop.seconds_left(1.0) == 1.0
    assert Stopping(None, None).seconds_left() is None  # type: ignore[arg-type]


@pytest.mark.parametrize("application", ["stopped:computing", "served:blocking"])
def test_signal_ends_a_handler_that_never_awaits(casgi, client, application):
    process = casgi("-p", "0", *SOON, application)
    send_request(client, process)
    process.signal(signal.SIGTERM)
    assert process.wait() == 1
    name = application.partition(":")[2]
    process.stderr.wait_for("ERROR .*Exiting, though the event loop is at$")
    process.stderr.wait_for(rf"File .*, line \d+, in {name}$")
    # Those of casgi's own are no news, and none was cancelled.
    assert not [line for line in process.stderr.lines() if "without waiting for task" in line]


@pytest.mark.parametrize("application", ["stopped:computing", "served:blocking"])
def test_two_signals_end_a_handler_that_never_awaits_without_a_time_limit(
    casgi, client, application
):
    process = casgi("-p", "0", *NO_LIMIT, application)
    send_request(client, process)
    # In one moment: one that comes more than a second later ends the process itself.
    process.signal(signal.SIGSTOP)
    process.signal(signal.SIGINT)
    process.signal(signal.SIGTERM)  # Not the same: two of one kind at once may count as one.
    process.signal(signal.SIGCONT)
    assert process.wait() == 1


def test_task_that_cannot_be_cancelled_is_named_and_left(casgi, get):
    process = casgi("-p", "0", *SOON, "stopped:leaving_a_task")
    assert get(process.port()) == "started"
    assert process.stop() == 0
    process.stderr.wait_for("without waiting for task the one that is left, which goes on though")
    process.stderr.wait_for("await asyncio.sleep.1000.$")


@pytest.fixture(params=[SOON, NO_LIMIT], ids=["soon", "no-limit"])
def leaver(casgi, get, request) -> Iterator[CasgiProcess]:
    """Yield a server whose application has left what Python waits for at its end."""
    process = casgi("-p", "0", *request.param, "stopped:leaving_threads")
    child = int(get(process.port()))
    yield process
    os.kill(child, signal.SIGKILL)


def test_threads_and_children_that_go_on_are_named(leaver, request):
    """Those of an executor too, which are daemons when a daemon has made them."""
    leaver.signal(signal.SIGTERM)
    leaver.stderr.wait_for(
        r"Waiting.* for thread keeper, thread pool-of-a-daemon_0, process sleeper;"
        r" a second Ctrl-C or SIGTERM does not$"
    )
    if "no-limit" in request.node.name:
        leaver.signal(signal.SIGTERM)
        assert leaver.wait() == -signal.SIGTERM
        return
    assert leaver.wait() == 0
    leaver.stderr.wait_for("without waiting for threads: keeper, pool-of-a-daemon_0$")
    leaver.stderr.wait_for("Thread pool-of-a-daemon_0 is at$")
    leaver.stderr.wait_for(r"without waiting for child processes: sleeper \(PID \d+\)$")


def test_what_runs_at_exit_and_does_not_end_is_named(casgi):
    limit = ("--application-close-timeout", "4")
    process = casgi("-p", "0", *limit, "own_signals:application", variables={"BLOCKED_EXIT": "1"})
    process.port()
    assert process.stop() == 0
    process.stderr.wait_for(
        r"Waiting up to \S+ s for what runs at exit; a second Ctrl-C or SIGTERM"
    )
    process.stderr.wait_for("Exiting without waiting for what runs at exit, which is at$")
    process.stderr.wait_for("in wait_for_ever$")


def test_threads_of_the_loop_alone_are_named(casgi, client):
    """Not the one by which asyncio waits for them, nor the task that does."""
    process = casgi("-p", "0", *SOON, "served:in_thread")
    send_request(client, process)
    assert process.stop() == 0
    process.stderr.wait_for("without waiting for threads: asyncio_0$")
    text = "\n".join(process.stderr.lines())
    assert "_do_shutdown" not in text
    assert "without waiting for task" not in text


def test_thread_that_runs_a_loop_of_the_application_is_named(casgi, get):
    process = casgi("-p", "0", "--lifespan=off", *SOON, "served:with_loop_in_thread")
    get(process.port())
    assert process.stop() == 0
    process.stderr.wait_for("without waiting for threads: bridge$")
    assert "runs at exit" not in "\n".join(process.stderr.lines())


def test_handler_of_the_application_in_the_place_of_casgis(casgi, get):
    process = casgi("-p", "0", "--lifespan=off", "own_signals:taking_sigterm")
    get(process.port())
    process.stderr.wait_for("SIGTERM does not stop the server any more: the application has a hand")
    process.signal(signal.SIGTERM)
    process.stdout.wait_for("own SIGTERM")
    process.signal(signal.SIGINT)
    assert process.wait() == 0
    told = [line for line in process.stderr.lines() if "does not stop" in line]
    assert len(told) == 1


def test_code_that_blocks_the_loop_is_named_once(casgi, client, tmp_path):
    go_on = tmp_path / "go-on"
    os.mkfifo(go_on)
    variables = {"GO_ON": str(go_on)}
    process = casgi("-p", "0", "stopped:blocking_for_a_while", variables=variables)
    with socket.create_connection(("127.0.0.1", process.port())):
        client.connect(("127.0.0.1", process.port()))
        client.sendall(REQUEST)
        process.stderr.wait_for("event loop has been blocked")
        go_on.write_bytes(b"")
        assert client.recv(4096).startswith(b"HTTP/1.1 200 ")
    process.stderr.wait_for(r"event loop goes on, after \d")
    assert process.stop() == 0
    lines = process.stderr.lines()
    told = [i for i, line in enumerate(lines) if "event loop has been blocked" in line]
    assert len(told) == 1
    assert "and 2 connections wait" in lines[told[0]]
    # The innermost line is what is to be found, and no frame of the server's stands before it.
    assert re.search(r"in blocking_for_a_while$", lines[told[0] + 1])
    assert "os.open(" in lines[told[0] + 2]


def test_start_may_block_the_loop(casgi):
    process = casgi("-p", "0", "stopped:blocking_at_start")
    process.port()
    assert process.stop() == 0
    assert "event loop" not in "".join(process.stderr.lines())


# --- In a container ---


@pytest.fixture
def first_process() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


def start_as_first_process(
    started: list[subprocess.Popen[str]], *arguments: str
) -> tuple[int, int, subprocess.Popen[str]]:
    """Start casgi as PID 1 of a namespace; return its PID here, its port, and who started it."""
    unshare = shutil.which("unshare")
    assert unshare is not None
    command = [unshare, "--pid", "--fork", "--kill-child"]
    if os.getuid() != 0:
        command += ["--user", "--map-root-user"]
    if subprocess.run([*command, "true"], capture_output=True).returncode != 0:
        pytest.skip("no namespace of processes can be made here")
    process = subprocess.Popen(
        [*command, sys.executable, "-m", "casgi", "-p", "0", *arguments],
        cwd=PROJECT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    started.append(process)
    assert process.stdout
    port = 0
    for line in process.stdout:
        if match := re.search(r"Listening on TCP address .*:(\d+)$", line):
            port = int(match[1])
            break
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(children[0]), port, process


def wait_for_request(process: subprocess.Popen[str]) -> None:
    assert process.stdout
    for line in process.stdout:
        if line.strip() == "request":
            return
    raise AssertionError("the process has ended")


def test_first_process_ends_though_a_handler_never_awaits(first_process, client):
    pid, port, process = start_as_first_process(first_process, *SOON, "stopped:computing")
    client.connect(("127.0.0.1", port))
    client.sendall(REQUEST)
    wait_for_request(process)
    os.kill(pid, signal.SIGTERM)
    assert process.wait(DEADLINE) == 1


def test_first_process_ends_at_a_second_signal(first_process, client):
    pid, port, process = start_as_first_process(first_process, *NO_LIMIT, "stopped:computing")
    client.connect(("127.0.0.1", port))
    client.sendall(REQUEST)
    wait_for_request(process)
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + DEADLINE
    while process.poll() is None and time.monotonic() < deadline:
        # A second one counts for a blocked loop only some time after the first.
        time.sleep(0.5)
        if process.poll() is None:
            os.kill(pid, signal.SIGINT)
    assert process.wait(DEADLINE) in (1, 128 + signal.SIGINT)


def test_first_process_stops_in_order(first_process):
    pid, _, process = start_as_first_process(first_process, "served:with_lifespan")
    os.kill(pid, signal.SIGTERM)
    assert process.wait(DEADLINE) == 0
