"""The command as a process of its own, with what it writes."""

import functools
import itertools
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

PROJECT = Path(__file__).parents[1] / "cli" / "project"
DEADLINE = 60.0


def environment(**variables: str) -> dict[str, str]:
    """Return this process's environment without CASGI_* variables but one, and with these."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("CASGI_")}
    patience = {name: os.environ[name] for name in ("CASGI_HUB_SILENCE",) if name in os.environ}
    return {**ours, "PYTHONUNBUFFERED": "1", **patience, **variables}


class Output:
    """The lines of one of the process's streams, as they come."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lines: list[str] = []
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def wait_for(self, pattern: str, nth: int = 0) -> re.Match[str]:
        """Return the first match in a line, or the nth after it, waiting for it."""
        with self._changed:
            find = functools.partial(self._find, pattern, nth)
            found = self._changed.wait_for(lambda: find() or self._ended, DEADLINE)
            match = find()
            assert match, f"no {pattern!r} {'at all' if found else 'in time'}: {self._lines}"
            return match

    def so_far(self) -> list[str]:
        """Return the lines that have come."""
        with self._changed:
            return list(self._lines)

    def lines(self) -> list[str]:
        """Return every line, of a process that has ended."""
        self._thread.join(DEADLINE)
        return self._lines

    def _find(self, pattern: str, nth: int) -> re.Match[str] | None:
        found = (match for line in self._lines if (match := re.search(pattern, line)))
        return next(itertools.islice(found, nth, None), None)

    def _read(self) -> None:
        for line in self._stream:
            with self._changed:
                self._lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


class CasgiProcess:
    """`python -m casgi` with these arguments, started by another command if there is a prefix."""

    def __init__(
        self,
        *arguments: str,
        folder: Path = PROJECT,
        variables: dict[str, str] | None = None,
        fds: tuple[int, ...] = (),
        start_new_session: bool = False,
        prefix: Sequence[str] = (),
    ) -> None:
        self._process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "casgi", *arguments],
            cwd=folder,
            env=environment(**(variables or {})),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=fds,
            start_new_session=start_new_session,
        )
        assert self._process.stdout
        assert self._process.stderr
        self.stdout = Output(self._process.stdout)
        self.stderr = Output(self._process.stderr)

    def port(self) -> int:
        """Return the port of the first TCP address it listens on, waiting for that."""
        return int(self.stderr.wait_for(r"Listening on TCP address .*:(\d+)$")[1])

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def wait(self) -> int:
        """Return the exit code, waiting for the end."""
        return self._process.wait(DEADLINE)

    def has_ended(self) -> bool:
        """Whether the process is over."""
        return self._process.poll() is not None

    def stop(self) -> int:
        """Stop it as a service manager does, and return the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def close(self) -> None:
        """End the process whatever it does."""
        self._process.kill()
        self._process.wait()
        for output, stream in (
            (self.stdout, self._process.stdout),
            (self.stderr, self._process.stderr),
        ):
            output.lines()
            assert stream
            stream.close()
