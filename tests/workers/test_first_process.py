"""A supervisor that is the first process of a container, or took the place of a shell."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from support.casgi_process import DEADLINE

SIGNALS = [signal.SIGTERM, signal.SIGINT]


def children(pid: int) -> set[int]:
    """Return the PIDs of a process's children, of those too whose end it has not noted."""
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def wait_until_there_are_only(pid: int, workers: set[int]) -> None:
    deadline = time.monotonic() + DEADLINE
    while children(pid) != workers:
        assert time.monotonic() < deadline, f"{children(pid) - workers} stay"
        time.sleep(0.01)


@pytest.fixture
def in_container(start):
    """Start a supervisor as PID 1 of a namespace; return it, and its PID here."""
    unshare = shutil.which("unshare")
    assert unshare is not None
    prefix = [unshare, "--pid", "--fork", "--kill-child"]
    if os.getuid() != 0:
        prefix += ["--user", "--map-root-user"]
    if subprocess.run([*prefix, "true"], capture_output=True).returncode != 0:
        pytest.skip("no namespace of processes can be made here")
    site = start("--no-access-log", "kept:orphaning", prefix=prefix)
    site.worker(2)
    [pid] = children(site.pid)
    return site, pid


def test_supervisor_takes_note_of_foreign_children(in_container):
    site, pid = in_container
    workers = children(pid)
    assert len(workers) == 2
    site.get()  # its worker has left a process behind, which goes on until it is told
    [orphan] = children(pid) - workers
    os.kill(orphan, signal.SIGKILL)
    wait_until_there_are_only(pid, workers)
    assert site.get()


@pytest.mark.parametrize("number", SIGNALS)
def test_first_process_hands_signals_on(in_container, number):
    site, pid = in_container
    os.kill(pid, signal.SIGHUP)
    site.stderr.wait_for("The workers were replaced$")
    os.kill(pid, number)
    assert site.wait() == 0
    assert len([line for line in site.stdout.lines() if line.startswith("shutdown")]) == 4


def test_what_a_shell_has_left_is_noted(start):
    shell = ["sh", "-c", '(exit 0) & exec "$@"', "sh"]
    site = start("--no-access-log", "kept:tell_process", prefix=shell)
    wait_until_there_are_only(site.pid, {site.worker(1), site.worker(2)})
    assert site.stop() == 0
