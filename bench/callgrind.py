"""A server under callgrind, which counts its instructions from when it is told to."""

import contextlib
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.process import REPOSITORY, end_session

START_SECONDS = 120.0
SUMMARY = re.compile(r"^(?:totals|summary): (\d+)", re.MULTILINE)


@contextlib.contextmanager
def counted_process(
    command: Sequence[str], port: int, output: Path, environment: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Run a server, of which nothing is counted yet; yield its process's number.

    The n-th dump is `output` with ".n" behind; "%p" in it is the number of the process, of which
    there may be several. Raises BenchError when it does not listen.
    """
    callgrind = ["setarch", "-R", "valgrind", "--tool=callgrind", "--instr-atstart=no"]
    process = subprocess.Popen(
        [*callgrind, "--trace-children=yes", f"--callgrind-out-file={output}", *command],
        cwd=REPOSITORY,
        # Collisions of hashes cost, too.
        env={**os.environ, **(environment or {}), "PYTHONHASHSEED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_until_listening(process, port)
        yield process.pid
    finally:
        process.kill()
        end_session(process)


def control(pid: int, *words: str) -> None:
    """Tell callgrind something."""
    subprocess.run(["callgrind_control", *words, str(pid)], check=True, capture_output=True)


def sum_of(dump: Path) -> int:
    """Return the instructions of a dump; raise BenchError when it has none."""
    found = SUMMARY.search(dump.read_text())
    if found is None:
        raise BenchError("callgrind has written no sum")
    return int(found[1])


def _wait_until_listening(process: subprocess.Popen[bytes], port: int) -> None:
    """Raise BenchError when it has ended, or does not listen within START_SECONDS."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.1)
    raise BenchError("the server does not listen under valgrind: try its command by hand")
