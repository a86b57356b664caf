"""Several workers behind one supervisor: starting, dying, stopping."""

import json
import os
import re
import signal
import socket
import struct

import pytest
from support.casgi_process import DEADLINE, PROJECT
from support.ports import free_port
from support.processes import is_alive, wait_for_end

from casgi.supervisor.stack_signal import STACK_SIGNAL

SIGNALS = [signal.SIGINT, signal.SIGTERM]
TO_ALL = [signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGTTIN, signal.SIGTTOU]
# Of all three a worker has the sum to leave.
QUICKLY = ["--application-close-timeout", "0.2", "--linger", "0.1", "--drain", "0.1"]
# Of struct tcp_info, for a listening socket: the length of its queue and its backlog.
TCP_INFO_QUEUE = struct.Struct("=24xII")


def test_workers_serve_what_the_supervisor_listens_on(start):
    site = start("kept:tell_process")
    workers = {site.worker(1), site.worker(2)}
    assert len(workers) == 2
    assert site.worker_of() in workers
    assert site.stop() == 0
    listening = [line for line in site.stderr.lines() if "Listening on" in line]
    assert len(listening) == 1


def test_nothing_is_unclosed_at_the_end(start):
    site = start("kept:tell_process", variables={"PYTHONWARNINGS": "error"})
    site.worker_of()
    assert site.stop() == 0
    assert [line for line in site.stderr.lines() if "ResourceWarning" in line] == []


def test_auto_is_one_worker_for_each_cpu(start):
    site = start("kept:tell_process", workers="auto")
    site.port()
    cpus = len(os.sched_getaffinity(0))
    if cpus > 1:
        site.worker(cpus)
    assert site.stop() == 0


@pytest.mark.parametrize("count", ["0", "-1", "many", "1.5", "257"])
def test_number_of_workers_is_checked(start, count):
    site = start("kept:tell_process", workers=count)
    assert site.wait() == 2
    assert site.stderr.wait_for("workers must be a whole number from 1 to 256, or auto, not")


def test_application_that_cannot_be_imported_stops_the_start_with_one_error(start):
    site = start("absent:application", workers=4)
    assert site.wait() == 2
    told = [line for line in site.stderr.lines() if "there is no module" in line]
    assert len(told) == 1


def test_application_that_raises_when_imported_is_shown_once(start, tmp_path):
    (tmp_path / "raises.py").write_text("1 / 0\n")
    site = start("raises:application", workers=4, folder=tmp_path)
    assert site.wait() == 1
    lines = site.stderr.lines()
    assert len([line for line in lines if line.startswith("ZeroDivisionError")]) == 1


def test_lifespan_that_fails_stops_the_start(start):
    site = start("served:failing_startup", folder=PROJECT)
    assert site.wait() == 3
    assert len([line for line in site.stderr.lines() if "no database" in line]) == 1


def test_port_in_use_is_found_before_a_worker_starts(start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        site = start("-p", str(port), "kept:tell_process")
        assert site.wait() == 2
    assert any("already in use" in line for line in site.stderr.lines())


@pytest.mark.parametrize("number", SIGNALS)
def test_stop_ends_every_worker_in_order(start, number):
    port = free_port()  # which nobody else has after it
    site = start("-p", str(port), "kept:tell_process")
    workers = [site.worker(1), site.worker(2)]
    site.signal(number)
    assert site.wait() == 0
    ended = {line for line in site.stdout.lines() if line.startswith("shutdown")}
    assert ended == {f"shutdown {pid}" for pid in workers}
    assert not any(map(is_alive, workers))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)


@pytest.mark.parametrize("number", SIGNALS)
def test_second_signal_does_not_wait_for_requests(start, number):
    site = start("--application-close-timeout", "-1", "kept:endless")
    with socket.create_connection(("127.0.0.1", site.port()), timeout=DEADLINE) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        site.stdout.wait_for("^request$")
        site.signal(number)
        site.stderr.wait_for("Waiting for 1 connections")
        site.signal(number)
        assert site.wait() == 0


@pytest.mark.parametrize("number", SIGNALS)
def test_worker_that_imports_shows_its_stack_and_a_stop_does_not_wait_for_it(start, number):
    site = start("kept:slow()")
    pid = int(site.stdout.wait_for(r"^importing (\d+)$")[1])
    os.kill(pid, STACK_SIGNAL)
    site.stderr.wait_for(r"File .*kept.py\", line \d+ in slow$")
    site.signal(number)
    assert site.wait() == 0
    assert not [line for line in site.stderr.lines() if "ERROR" in line]


def test_signals_to_all_processes_end_no_worker_that_starts(start, tmp_path):
    """What `systemctl kill` and pkill do; signals of the supervisor alone mean something."""
    go_on = tmp_path / "go-on"
    site = start("kept:patient()", variables={"GO_ON": str(go_on)})
    pid = int(site.stdout.wait_for(r"^importing (\d+)$")[1])
    for number in TO_ALL:
        os.kill(pid, number)
    go_on.touch()
    assert site.worker(1) == pid
    workers = {pid, site.worker(2)}
    for each in workers:
        for number in TO_ALL:
            os.kill(each, number)
    assert site.worker_of() in workers
    assert site.stop() == 0
    assert not [line for line in site.stderr.lines() if "ERROR" in line]


def test_ctrl_c_of_a_terminal_goes_to_everybody_and_is_one(start):
    site = start("kept:tell_process", start_new_session=True)
    site.worker(2)
    os.killpg(site.pid, signal.SIGINT)
    assert site.wait() == 0
    assert len([line for line in site.stdout.lines() if line.startswith("shutdown")]) == 2


def test_signal_of_a_service_manager_goes_to_everybody_and_is_one(start):
    site = start("kept:tell_process", start_new_session=True)
    site.worker(2)
    os.killpg(site.pid, signal.SIGTERM)
    assert site.wait() == 0
    assert not any("Leaving" in line for line in site.stderr.lines())


def test_worker_that_is_killed_is_replaced_and_the_other_stays(start):
    site = start("kept:tell_process")
    first, second = site.worker(1), site.worker(2)
    os.kill(first, signal.SIGKILL)
    site.stderr.wait_for(rf"ERROR .*Worker 1 \(PID {first}\) was ended by SIGKILL")
    assert site.worker(1, nth=1) != first
    assert is_alive(second)
    assert site.worker_of()
    assert site.stop() == 0


def test_worker_that_dies_again_and_again_is_started_ever_later(start, tmp_path):
    dying = tmp_path / "dying"
    site = start("kept:dying()", variables={"DYING": str(dying)})
    pid = site.worker(2)
    dying.touch()
    os.kill(pid, signal.SIGKILL)
    site.stderr.wait_for("Worker 2 is started again in 0.5 s")
    site.stderr.wait_for("Worker 2 is started again in 1.0 s")
    dying.unlink()
    site.worker(2, nth=1)
    assert site.worker_of()
    assert site.stop() == 0


def test_workers_end_with_a_supervisor_that_is_killed(start):
    site = start("kept:tell_process")
    workers = [site.worker(1), site.worker(2)]
    site.signal(signal.SIGKILL)
    for pid in workers:
        wait_for_end(pid)
    assert {f"shutdown {pid}" for pid in workers} <= set(site.stdout.lines())


def test_blocked_worker_ends_with_a_supervisor_that_is_killed(start):
    site = start(*QUICKLY, "kept:blocking")
    with socket.create_connection(("127.0.0.1", site.port()), timeout=DEADLINE) as client:
        client.sendall(b"GET /block HTTP/1.1\r\nHost: x\r\n\r\n")
        pid = int(site.stdout.wait_for(r"^blocked (\d+)$")[1])
        site.signal(signal.SIGKILL)
        wait_for_end(pid)


def test_worker_that_is_held_up_is_named_with_its_stack_and_replaced(start):
    site = start("--worker-timeout", "2", "kept:blocking")
    first, second = site.worker(1), site.worker(2)
    with socket.create_connection(("127.0.0.1", site.port()), timeout=DEADLINE) as client:
        client.sendall(b"GET /block HTTP/1.1\r\nHost: x\r\n\r\n")
        held_up = int(site.stdout.wait_for(r"^blocked (\d+)$")[1])
        site.stderr.wait_for(
            rf"\(PID {held_up}\) has been held up for [1-9].* 1 connections, and is"
        )
        site.stderr.wait_for(r"File .*kept.py\", line \d+ in blocking$")
        number = 1 if held_up == first else 2
        assert site.worker(number, nth=1) != held_up
        assert is_alive(second if held_up == first else first)
        assert client.recv(100) == b""
    assert site.stop() == 0


def test_worker_that_only_waits_is_not_held_up(start):
    site = start("--worker-timeout", "0.3", "kept:tell_process")
    first, second = site.worker(1), site.worker(2)
    # Two looks at the scoreboard later nothing has happened to them.
    site.signal(signal.SIGTTIN)
    site.worker(3)
    assert is_alive(first)
    assert is_alive(second)
    assert site.stop() == 0


def test_worker_that_is_asked_to_end_gets_a_successor(start):
    site = start("kept:tell_process")
    first = site.worker(1)
    os.kill(first, signal.SIGTERM)
    assert site.worker(1, nth=1) != first
    wait_for_end(first)
    assert site.stop() == 0
    assert not any("ERROR" in line for line in site.stderr.lines())


def test_worker_that_is_asked_to_end_ends_also_without_a_successor(start, tmp_path):
    dying = tmp_path / "dying"
    site = start(*QUICKLY, "kept:dying()", variables={"DYING": str(dying)})
    first, second = site.worker(1), site.worker(2)
    dying.touch()
    os.kill(first, signal.SIGTERM)
    wait_for_end(first)
    assert is_alive(second)
    assert site.stop() == 0


def test_number_of_workers_changes_by_signals(start):
    site = start("kept:tell_process")
    second = site.worker(2)
    site.signal(signal.SIGTTIN)
    third = site.worker(3)
    site.signal(signal.SIGTTOU)
    wait_for_end(third)
    site.signal(signal.SIGTTOU)
    site.stderr.wait_for("SIGTTOU: 1 workers")
    site.signal(signal.SIGTTOU)
    site.stderr.wait_for("the last worker stays")
    wait_for_end(second)  # it may accept until then
    assert site.worker_of() == site.worker(1)
    assert site.stop() == 0


def test_worker_inherits_nothing_of_the_service_manager(start):
    theirs = {"LISTEN_FDNAMES": "x", "WATCHDOG_PID": "1", "WATCHDOG_USEC": "1"}
    site = start("kept:tell_environment", variables=theirs)
    told = json.loads(site.get())
    assert not {*theirs, "NOTIFY_SOCKET", "CASGI_WORKER"} & set(told["environment"])
    # Its own of listing the folder is the fourth.
    assert told["descriptors"].strip() == "['0', '1', '2', '3']"
    assert site.stop() == 0


def test_inherited_socket_keeps_its_backlog(start):
    with socket.create_server(("127.0.0.1", 0), backlog=7) as passed:
        number = str(passed.fileno())
        site = start("--fd", number, "kept:tell_process", fds=(passed.fileno(),))
        site.worker(2)
        info = passed.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        _, backlog = TCP_INFO_QUEUE.unpack_from(info)
        assert backlog == 7
        assert site.stop() == 0


def test_unix_socket_stays_while_workers_change(start, tmp_path):
    path = tmp_path / "site.sock"
    site = start("-u", str(path), "kept:tell_process")
    os.kill(site.worker(1), signal.SIGTERM)
    site.worker(1, nth=1)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(DEADLINE)
        client.connect(str(path))
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.0 200")
    assert site.stop() == 0
    assert not path.exists()


def test_logs_are_opened_anew_in_every_worker(start, tmp_path):
    log = tmp_path / "access.log"
    site = start("--access-log", str(log), "kept:tell_process")
    workers = {site.worker(1), site.worker(2)}
    log.rename(tmp_path / "old.log")
    site.signal(signal.SIGUSR1)
    for nth in range(len(workers)):
        site.stderr.wait_for("The logs were opened anew", nth)
    assert int(site.get()) in workers
    assert site.stop() == 0
    assert re.search(r'"GET / HTTP/1.1" 200|GET /', log.read_text())


def test_signals_that_change_the_workers_are_too_late_during_a_stop(start):
    site = start("--application-close-timeout", "-1", "kept:endless")
    site.worker(2)
    with socket.create_connection(("127.0.0.1", site.port()), timeout=DEADLINE) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        site.stdout.wait_for("^request$")
        site.signal(signal.SIGTERM)
        site.stderr.wait_for("Waiting for 1 connections")
        for number in (signal.SIGTTIN, signal.SIGHUP, signal.SIGTERM):
            site.signal(number)
        assert site.wait() == 0
    assert not [line for line in site.stderr.lines() if "SIGTTIN" in line or "Replacing" in line]
