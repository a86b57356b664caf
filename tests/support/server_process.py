"""A server's program as a process of its own, on a port that stays the same over restarts."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

START_SECONDS = 60.0
STOP_SECONDS = 40.0


def environment_of_foreign_programs() -> dict[str, str]:
    """Return the environment without the sanitizers, with which a foreign program may not start."""
    ours = ("LD_PRELOAD", "ASAN_OPTIONS", "UBSAN_OPTIONS")
    return {name: value for name, value in os.environ.items() if name not in ours}


class ServerProcess:
    """One server: started, ended and killed any number of times, its output in one log."""

    stop_signal = signal.SIGTERM

    def __init__(
        self,
        command: Sequence[str],
        port: int,
        log: Path,
        folder: Path,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        """Remember how to run `command`, which listens on `port`, within `folder`."""
        self.port = port
        self.log = log
        self._command = command
        self._folder = folder
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """The number of the process that was started last."""
        assert self._process is not None
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How the process ended; None while it has not."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start the process and wait until it accepts connections."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            self._wait_until_accepting()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> float:
        """End the process as an operator would; return how many seconds that took."""
        begun = time.monotonic()
        if self._process is not None:
            self._process.send_signal(self.stop_signal)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"It does not end:\n{self.log_text()}") from None
        return time.monotonic() - begun

    def kill(self) -> None:
        """End the process, if it runs, in a way that it cannot notice."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def log_text(self) -> str:
        """Return all that the process has written."""
        return self.log.read_text(errors="replace")

    def _wait_until_accepting(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.exit_code is None:
            if self._is_serving():
                return
            time.sleep(0.02)
        raise AssertionError(f"It does not accept connections:\n{self.log_text()}")

    def _is_serving(self) -> bool:
        """Whether it accepts connections now."""
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True
