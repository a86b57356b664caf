"""Signals to a worker that imports its application, or ends, and to the application's children."""

import os
import signal
import sys

import pytest
from support.early_signals import sent_at_import

from casgi.signals_at_start import STOP_SIGNALS

OF_SUPERVISOR = {
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGTTIN,
    signal.SIGTTOU,
    signal.SIGUSR1,
    signal.SIGUSR2,
}


def signals_of(mask: str) -> set[int]:
    """Return the numbers in a field of proc(5)'s status."""
    return {number for number in range(1, 65) if int(mask, 16) >> (number - 1) & 1}


def test_what_the_application_starts_has_every_signal(start):
    site = start("signalled:application")
    for field in ("SigBlk", "SigIgn"):
        line = site.stdout.wait_for(rf"^child {field}:\s+(\w+)$")
        assert signals_of(line[1]).isdisjoint(OF_SUPERVISOR)
    line = site.stdout.wait_for(r"^forked SigCgt:\s+(\w+)$")
    assert signal.SIGUSR1 not in signals_of(line[1])
    site.worker(2)
    assert site.stop() == 0


def test_logs_are_opened_anew_when_the_signal_came_too_early(start, tmp_path):
    go_on = tmp_path / "go-on"
    site = start("kept:patient()", variables={"GO_ON": str(go_on)})
    pid = int(site.stdout.wait_for(r"^importing (\d+)$")[1])
    os.kill(pid, signal.SIGUSR1)
    go_on.touch()
    assert site.worker(1) == pid
    site.stderr.wait_for("The logs were opened anew")
    assert site.stop() == 0


def test_worker_that_has_served_is_not_ended_by_them(start):
    """SIGINT is the exception: who presses Ctrl-C twice does not wait for threads."""
    numbers = " ".join(str(int(number)) for number in OF_SUPERVISOR - {signal.SIGINT})
    site = start("signalled:application", variables={"AT_EXIT": numbers})
    site.worker(2)
    assert site.stop() == 0
    assert not [line for line in site.stderr.lines() if "ERROR" in line]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_what_the_application_does_with_the_supervisors_stays(start, number):
    site = start("signalled:application", variables={"PASSED_OVER": "1"})
    os.kill(site.worker(1), number)
    site.stdout.wait_for(f"^own handler of {int(number)}$")
    assert site.stop() == 0


def test_supervisor_whose_logs_are_reopened_too_early(start):
    """What comes before its event loop does not end it."""
    early = (
        "import asyncio, os, runpy, signal, sys\n"
        "run = asyncio.Runner.run\n"
        "def run_late(*given):\n"
        "    os.kill(os.getpid(), signal.SIGUSR1)\n"
        "    return run(*given)\n"
        "asyncio.Runner.run = run_late\n"
        "sys.argv = ['casgi', *sys.argv[4:]]\n"
        "runpy.run_module('casgi', run_name='__main__')\n"
    )
    site = start("kept:tell_process", prefix=(sys.executable, "-c", early))
    site.stderr.wait_for("The logs were opened anew")
    site.worker(2)
    assert site.stop() == 0


EARLY = ["casgi.cli", "casgi.supervisor.supervisor"]


@pytest.mark.parametrize("module", EARLY)
@pytest.mark.parametrize(
    ("number", "effect"),
    [
        (signal.SIGHUP, "The workers were replaced"),
        (signal.SIGUSR1, r"Worker 1 \(PID \d+\) serves$"),
        (signal.SIGUSR2, "goes on where .* has ended"),
        (signal.SIGTTIN, r"Worker 3 \(PID \d+\) serves$"),
        (signal.SIGTTOU, "SIGTTOU: 1 workers"),
    ],
)
def test_what_comes_to_a_supervisor_too_early_is_done_later(start, number, effect, module):
    site = start("kept:tell_process", prefix=sent_at_import(number, module))
    site.stderr.wait_for(effect)
    site.worker(1)
    assert site.stop() == 0


@pytest.mark.parametrize("module", EARLY)
@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_supervisor_that_is_stopped_too_early_ends_quietly(start, number, module):
    site = start("kept:tell_process", prefix=sent_at_import(number, module))
    assert site.wait() == -number
    assert site.stderr.lines() == []


@pytest.mark.parametrize("variable", ["PYTHON_HANDLER", "C_HANDLER", "IGNORED"])
def test_what_the_application_does_with_sigusr1_stays(start, variable):
    site = start("signalled:application", variables={variable: "1"})
    workers = {site.worker(1), site.worker(2)}
    for worker in workers:
        os.kill(worker, signal.SIGUSR1)
    if variable == "PYTHON_HANDLER":
        site.stdout.wait_for("^own handler$", len(workers) - 1)
    elif variable == "C_HANDLER":
        site.stderr.wait_for("most recent call first", len(workers) - 1)
    assert site.worker_of() in workers
    assert site.stop() == 0
    assert not [line for line in site.stderr.lines() if "opened anew" in line]


def test_signals_to_everybody_end_no_process_that_has_ended(start):
    """Neither the supervisor nor a worker: the event loop has given up its handlers."""
    numbers = [int(number) for number in OF_SUPERVISOR - {signal.SIGINT}]
    late = (
        "import asyncio, os, runpy, sys\n"
        "close = asyncio.Runner.close\n"
        "def close_late(runner):\n"
        "    close(runner)\n"
        f"    for number in {numbers}:\n"
        "        os.kill(os.getpid(), number)\n"
        "asyncio.Runner.close = close_late\n"
        "sys.argv = ['casgi', *sys.argv[4:]]\n"
        "runpy.run_module('casgi', run_name='__main__')\n"
    )
    site = start("kept:tell_process", prefix=(sys.executable, "-c", late))
    site.worker(2)
    assert site.stop() == 0
    assert not [line for line in site.stderr.lines() if "ERROR" in line]
