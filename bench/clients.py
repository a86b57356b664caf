"""The load clients: wrk for HTTP, and our own programs in C for WebSockets."""

import json
import re
import selectors
import shutil
import subprocess
from types import TracebackType
from typing import ClassVar, Self

from bench.errors import BenchError
from bench.process import RunningServer, child_setup
from bench.programs import SOURCES, compiled

GRACE_SECONDS = 15.0  # beyond the time that a client was asked to run


def require_wrk() -> str:
    """Return where wrk is; raise if it is missing."""
    program = shutil.which("wrk")
    if program is None:
        raise BenchError("wrk is needed as HTTP client (Debian: apt-get install wrk)")
    return program


def wrk(server: RunningServer, connections: int, seconds: int, path: str = "/") -> dict[str, float]:
    """Load a page over keep-alive connections; return wrk's figures."""
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(SOURCES / "wrk_report.lua")]
    try:
        finished = subprocess.run(
            [require_wrk(), *options, server.url(path)],
            check=False,
            capture_output=True,
            text=True,
            timeout=seconds + GRACE_SECONDS,
            preexec_fn=child_setup(server.client_core),
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError("wrk did not end in time") from error
    if finished.returncode != 0 or not finished.stdout:
        raise BenchError(f"wrk failed: {finished.stderr.strip()}")
    figures: dict[str, float] = json.loads(finished.stdout.splitlines()[-1])
    if figures["errors"] or not figures["requests"]:
        raise BenchError(f"wrk counted {figures['errors']} errors, {figures['requests']} requests")
    return figures


def require_h2load() -> str:
    """Return where h2load is; raise if it is missing."""
    program = shutil.which("h2load")
    if program is None:
        raise BenchError(
            "h2load is needed as HTTP/2 client (Debian: apt-get install nghttp2-client)"
        )
    return program


_H2LOAD_REQUESTS = re.compile(
    r"^requests: .* (\d+) done, (\d+) succeeded, (\d+) failed", re.MULTILINE
)


def h2load(server: RunningServer, connections: int, streams: int, seconds: int) -> int:
    """Load a page over HTTP/2 connections; return the number of requests that were answered."""
    options = ["-t1", f"-c{connections}", f"-m{streams}", f"-D{seconds}"]
    try:
        finished = subprocess.run(
            [require_h2load(), *options, server.url()],
            check=False,
            capture_output=True,
            text=True,
            timeout=seconds + GRACE_SECONDS,
            preexec_fn=child_setup(server.client_core),
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError("h2load did not end in time") from error
    found = _H2LOAD_REQUESTS.search(finished.stdout)
    if found is None:
        raise BenchError(f"h2load failed: {finished.stderr.strip()}")
    succeeded, failed = int(found[2]), int(found[3])
    if failed or not succeeded:
        raise BenchError(f"h2load counted {failed} errors, {succeeded} answers")
    return succeeded


class WebSocketClient:
    """One run of a WebSocket client: open and warm when the block begins, ended with it."""

    program: ClassVar[str]
    open_seconds: ClassVar[float]
    """For all handshakes and the warm-up; the program itself gives up a little before."""

    def __init__(self, server: RunningServer, *options: str) -> None:
        self._command = [str(compiled(self.program)), "--port", str(server.port)]
        self._command += [*server.transport.value.split(), *options]
        self._core = server.client_core

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=child_setup(self._core),
        )
        try:
            self._read_line(self.open_seconds)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def measure(self, seconds: float, grace: float = GRACE_SECONDS) -> dict[str, float]:
        """Let the measured interval begin; return its figures when it has ended."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"go\n")
        self._process.stdin.flush()
        return self._read_line(seconds + grace)

    def check(self) -> None:
        """Raise if the client has ended, which it does when the server ends a connection."""
        if self._process.poll() is not None:
            raise self._failure()

    def _read_line(self, seconds: float) -> dict[str, float]:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(seconds):
                raise BenchError("the WebSocket client did not answer in time")
        line = self._process.stdout.readline()
        if not line:
            raise self._failure()
        figures: dict[str, float] = json.loads(line)
        return figures

    def _failure(self) -> BenchError:
        assert self._process.stderr is not None
        text = self._process.stderr.read().decode(errors="replace").strip()
        return BenchError(text or "the WebSocket client ended")


class WebSocketLoad(WebSocketClient):
    """Connections that echo, or are idle."""

    program = "websocket_load"
    open_seconds = 75.0


class Members(WebSocketClient):
    """The members of a group, of whom one sends."""

    program = "members"
    open_seconds = 270.0
