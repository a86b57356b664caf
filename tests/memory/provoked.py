"""A script in an interpreter of its own, for what would bring down the process of the tests.

The script finds a bound socket, an application and the raw pieces of a request ready made. Its
process is forked from one that has imported everything: nursery.py.
"""

from __future__ import annotations

import functools
import os
import select
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
SECONDS = 60.0
COMPLAINTS = ("Sanitizer", "runtime error", "SystemError", "Exception ignored")


class Nursery:
    """The process that forks one for each script."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="casgi-")
        package = Path(sys.modules["casgi"].__path__[0]).parent
        paths = [str(package), str(TESTS), os.environ.get("PYTHONPATH", "")]
        self._process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", Path(__file__).with_name("nursery.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            start_new_session=True,
        )

    def run(self, script: str) -> tuple[int | None, str, str]:
        """Return how the script's process ended, None in no time, and its output and errors."""
        assert self._process.stdin and self._process.stdout
        place = Path(self._folder.name) / "script"
        place.write_text(script)
        self._process.stdin.write(f"{place}\n".encode())
        self._process.stdin.flush()
        has_ended = bool(select.select([self._process.stdout], [], [], SECONDS)[0])
        line = self._process.stdout.readline() if has_ended else b""
        output, errors = (place.with_suffix(end).read_text() for end in (".out", ".err"))
        return int(line) if line else None, output, errors

    def close(self) -> None:
        """End it, with a script that goes on."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()
        self._folder.cleanup()


@functools.cache
def nursery() -> Nursery:
    return Nursery()


def end_nursery() -> None:
    if nursery.cache_info().currsize:
        nursery().close()
        nursery.cache_clear()


def provoke(script: str) -> str:
    """Run the script, which must end well, and return what it printed."""
    status, output, errors = nursery().run(textwrap.dedent(script))
    if status is None:
        end_nursery()
    assert status == 0, f"ended with {status}\n{output}\n{errors}"
    for complaint in COMPLAINTS:
        assert complaint not in errors, errors
    return output
