"""SIGUSR2 to a worker: its stacks are written whatever it does, and it goes on."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import IO

import pytest
from support.casgi_process import DEADLINE

from casgi.supervisor.stack_signal import STACK_SIGNAL

REGISTER = "from casgi.supervisor.stack_signal import *\nwrite_stacks_at_signal()\n"
# Functions whose frames come and go, with their memory, in four threads.
BUSY = """
import threading
def deep(n):
    return deep(n - 1) if n else 0
def busy():
    while True:
        deep(200)
        exec("def f(n):\\n return f(n - 1) if n else 0\\nf(150)", {})
for _ in range(3):
    threading.Thread(target=busy, daemon=True).start()
print("works", flush=True)
busy()
"""
IN_C = """
def held_up():
    print("works", flush=True)
    sum(range(10**12))
held_up()
"""
STORM = (
    "import os, sys, time\nfor _ in range(1500):\n    os.kill(int(sys.argv[1]), int(sys.argv[2]))\n"
)
STORM += "    time.sleep(0.0003)\n"

Run = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def run() -> Iterator[Run]:
    """Run a program as a worker does, until it works."""
    started: list[subprocess.Popen[str]] = []

    def start(program: str, stderr: int | IO[str]) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", REGISTER + program]
        process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=stderr)
        started.append(process)
        assert started[-1].stdout is not None
        assert started[-1].stdout.readline() == "works\n"
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_signals_of_anybody_end_no_process_at_work(run):
    process = run(BUSY, stderr=subprocess.DEVNULL)
    command = [sys.executable, "-c", STORM, str(process.pid), str(int(STACK_SIGNAL))]
    subprocess.run(command, check=True, timeout=DEADLINE)
    assert process.poll() is None


def test_second_signal_of_the_parent_does_without_python(run, tmp_path):
    written = tmp_path / "stderr"
    with written.open("w") as file:
        process = run(IN_C, stderr=file)
    until = time.monotonic() + DEADLINE
    while "in held_up" not in written.read_text():
        assert time.monotonic() < until
        os.kill(process.pid, STACK_SIGNAL)
        time.sleep(0.05)
    assert process.poll() is None


AT_ONCE = """
import os, signal
numbers = [number for number in signal.valid_signals() if number >= signal.SIGRTMIN]
for number in numbers:
    signal.signal(number, lambda number, frame: None)
signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
for number in numbers:
    os.kill(os.getpid(), number)
signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
print("works", flush=True)
"""


def test_many_signals_at_once_end_no_process(run):
    assert run(AT_ONCE, stderr=subprocess.DEVNULL).wait(DEADLINE) == 0


# What exit(3) calls when Python is gone: raise(), with the exit status as its first argument.
AFTER_PYTHON = """
import ctypes, sys
libc = ctypes.CDLL(None)
libc.on_exit(libc["raise"], None)
print("works", flush=True)
sys.exit(int(STACK_SIGNAL))
"""
IGNORED = "signal.signal(STACK_SIGNAL, signal.SIG_IGN)"


@pytest.mark.parametrize("before", ["", IGNORED], ids=["ours", "ignored"])
def test_signal_after_the_end_of_python_ends_no_process(run, before):
    """A status that is positive is that of sys.exit()."""
    process = run(before + AFTER_PYTHON, stderr=subprocess.DEVNULL)
    assert process.wait(DEADLINE) == int(STACK_SIGNAL)
