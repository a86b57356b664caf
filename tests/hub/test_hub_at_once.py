"""Processes that start a hub at one path in the same moment: one has it, the others find that."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from pathlib import Path

PROCESSES = 3
ROUNDS = 40

# Starts a hub at each path that comes, once there is a byte for it in the socket of all, says
# whether it has it, and keeps it.
PROGRAM = """
import os, sys
from casgi import _core
go = int(sys.argv[1])
kept = []
for line in sys.stdin:
    hub = _core.Hub(line.rstrip())
    print("ready", flush=True)
    os.read(go, 1)
    try:
        hub.start()
        kept.append(hub)
        print("has it", flush=True)
    except OSError as error:
        print(error.strerror, flush=True)
"""


class Contender:
    """A process of PROGRAM; `with` ends it."""

    def __init__(self, go: int) -> None:
        """Start it; a byte that it reads from `go` starts a hub."""
        command = [sys.executable, "-c", PROGRAM, str(go)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=(go,)
        )

    def __enter__(self) -> Contender:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def hear(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip()


def test_one_of_several_has_the_hub(tmp_path: Path) -> None:
    here, there = socket.socketpair()
    with contextlib.ExitStack() as stack:
        stack.enter_context(here)
        stack.enter_context(there)
        each = [stack.enter_context(Contender(there.fileno())) for _ in range(PROCESSES)]
        for number in range(ROUNDS):
            path = str(tmp_path / f"hub{number}")
            with socket.socket(socket.AF_UNIX) as dead:
                dead.bind(path)
            for contender in each:
                contender.say(path)
            assert [contender.hear() for contender in each] == ["ready"] * PROCESSES
            here.send(bytes(PROCESSES))
            heard = sorted(contender.hear() for contender in each)
            assert heard == ["Address already in use"] * (PROCESSES - 1) + ["has it"]
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)
