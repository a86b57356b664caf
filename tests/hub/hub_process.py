"""A hub in a process of its own, which can be stopped, killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Self

PROGRAM = """
import sys
from casgi import _core
hub = _core.Hub(sys.argv[1])
hub.start()
print("ready", flush=True)
sys.stdin.read()
"""


class HubProcess:
    """The test's side of it; `with` starts it, and kills it in the end."""

    def __init__(self, path: str) -> None:
        """Remember where it is to be found."""
        self.path = path
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, and wait until it serves."""
        command = [sys.executable, "-c", PROGRAM, self.path]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def kill(self) -> None:
        """End it in a way that it cannot notice."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal; return when SIGSTOP has stopped it."""
        assert self._process is not None
        self._process.send_signal(number)
        if number == signal.SIGSTOP:
            os.waitpid(self._process.pid, os.WUNTRACED)
