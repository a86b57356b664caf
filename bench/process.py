"""Starting and ending the processes of a measurement: pinned, bounded in time, always ended."""

import contextlib
import http
import http.client
import os
import random
import resource
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.servers import Server
from bench.transport import Transport, trusting
from bench.usage import SessionUsage

START_SECONDS = 45.0  # on a machine that has much else to do
STOP_SECONDS = 5.0
POLL_SECONDS = 0.02
SERVERS_PORTS = (12_000, 32_000)
REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Cores:
    """The CPU core of the server, and that of the client."""

    server: int
    client: int


@dataclass(frozen=True)
class RunningServer:
    """A server that answers on 127.0.0.1, and what it uses."""

    name: str
    port: int
    usage: SessionUsage
    client_core: int
    transport: Transport = Transport.PLAIN

    def url(self, path: str = "/") -> str:
        """Return the address of a page."""
        scheme = "https" if self.transport is Transport.TLS else "http"
        return f"{scheme}://127.0.0.1:{self.port}{path}"


def child_setup(core: int) -> Callable[[], None]:
    """Return what a child does before it executes: stay on one core, open many files."""

    def set_up() -> None:
        os.sched_setaffinity(0, {core})
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    return set_up


def require_open_files(needed: int) -> None:
    """Raise if children cannot have this many files open at once."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise BenchError(f"{needed} open files are needed, the hard limit is {hard} (ulimit -Hn)")


@dataclass(frozen=True)
class Launch:
    """How to start one server: each call runs a fresh one for the length of a block."""

    server: Server
    application: str
    cores: Cores

    @contextlib.contextmanager
    def __call__(
        self, environment: Mapping[str, str] | None = None, path: str = "/"
    ) -> Iterator[RunningServer]:
        """Run it in a session of its own, with these variables besides those of this process.

        It is ready when it has answered the path.
        """
        port = free_port()
        with (
            tempfile.TemporaryFile("w+", errors="replace") as log,
            service_manager() as manager,
        ):
            process = subprocess.Popen(
                self.server.command(self.application, port),
                cwd=REPOSITORY,
                env={**os.environ, **manager.environment, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=child_setup(self.cores.server),
            )
            try:
                is_tls = self.server.transport is Transport.TLS
                _wait_until_ready(process, port, path, log.fileno(), is_tls)
                if self.server.has_hub:
                    manager.wait_until_ready()
                usage = SessionUsage(process.pid)
                yield RunningServer(
                    self.server.name, port, usage, self.cores.client, self.server.transport
                )
            except (BenchError, OSError) as error:
                if process.poll() is None:
                    raise
                last_line = _last_line(log.fileno())
                raise BenchError(
                    f"the server ended with {process.returncode} ({last_line}): {error}"
                ) from error
            finally:
                end_session(process)


@dataclass(frozen=True)
class ServiceManager:
    """Who is told that a server is ready, as systemd is: by datagrams, sd_notify(3)."""

    channel: socket.socket
    environment: Mapping[str, str]

    def wait_until_ready(self, seconds: float = START_SECONDS) -> None:
        """Wait for the message that says so; raise if it does not come."""
        self.channel.settimeout(seconds)
        try:
            while b"READY=1" not in self.channel.recv(65536).splitlines():
                pass
        except TimeoutError as error:
            raise BenchError("not all of its processes were ready in time") from error


@contextlib.contextmanager
def service_manager() -> Iterator[ServiceManager]:
    """Yield one, who is told by processes with its environment."""
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel,
    ):
        path = os.path.join(folder, "notify")
        channel.bind(path)
        yield ServiceManager(channel, {"NOTIFY_SOCKET": path})


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nobody listens.

    It is not one of those that the kernel gives to clients, which could have it before the server.
    """
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            port = random.randrange(*SERVERS_PORTS)
            probe.bind(("127.0.0.1", port))
            return port


def _wait_until_ready(
    process: subprocess.Popen[bytes], port: int, path: str, log: int, is_tls: bool
) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise BenchError("it never answered")
        if _answers(port, path, deadline, is_tls):
            return
        time.sleep(POLL_SECONDS)
    raise BenchError(f"did not answer within {START_SECONDS:.0f} s: {_last_line(log)}")


def _answers(port: int, path: str, deadline: float, is_tls: bool) -> bool:
    """Ask for a page: a master may listen long before its worker can answer."""
    seconds = max(deadline - time.monotonic(), POLL_SECONDS)
    connection = (
        http.client.HTTPSConnection("127.0.0.1", port, timeout=seconds, context=trusting())
        if is_tls
        else http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    )
    try:
        connection.request("GET", path)
        with connection.getresponse() as response:
            response.read()
            return response.status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _last_line(log: int) -> str:
    size = os.fstat(log).st_size
    text = os.pread(log, size, 0).decode(errors="replace").strip()
    return text.splitlines()[-1] if text else "it printed nothing"


def end_session(process: subprocess.Popen[bytes]) -> None:
    """Ask the server to stop; after a while end what is left of its session."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
    for pid in SessionUsage(process.pid).processes():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
