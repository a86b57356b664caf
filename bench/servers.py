"""The servers that are compared: how each is found and started, at its best and without logs."""

import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata

from bench.errors import BenchError
from bench.programs import compiled


@dataclass(frozen=True)
class Server:
    """One server: what is imported, and the arguments after ``python -m``."""

    name: str
    module: str
    arguments: str
    websockets: bool = True
    is_wsgi: bool = False

    def version(self) -> str | None:
        """Return the installed version, or None if this interpreter cannot import the server."""
        if importlib.util.find_spec(self.module) is None:
            return None
        try:
            return metadata.version(self.module)
        except metadata.PackageNotFoundError:
            return "source tree"

    def command(self, application: str, port: int) -> list[str]:
        """Return the command line that serves ``module:name`` on 127.0.0.1."""
        arguments = self.arguments.format(application=application, port=port)
        return [sys.executable, "-m", *arguments.split()]


@dataclass(frozen=True)
class Floor(Server):
    """No server: what a loop of send(2) in C costs, under the same clients."""

    def version(self) -> str:
        """Return what it is written in."""
        return "C"

    def command(self, application: str, port: int) -> list[str]:
        """Return its command line; it has no application but its own."""
        return [str(compiled(self.module)), str(port)]


# Limits on the number of connections are raised where a default is below the 5,000 of `idle`.
SERVERS: tuple[Server, ...] = (
    Server("casgi", "casgi", "casgi -v 0 -b 127.0.0.1 -p {port} {application}"),
    Server(
        "uvicorn",
        "uvicorn",
        "uvicorn --loop uvloop --http httptools --lifespan off --no-access-log"
        " --log-level warning --host 127.0.0.1 --port {port} {application}",
    ),
    Server("fastpysgi", "fastpysgi", "bench.run_fastpysgi {application} {port}", websockets=False),
    Server(
        "granian",
        "granian",
        "granian --interface asginl --loop uvloop --no-access-log --log-level error"
        " --backlog 8192 --backpressure 8192 --host 127.0.0.1 --port {port} {application}",
    ),
    Server(
        "hypercorn",
        "hypercorn",
        "hypercorn --worker-class uvloop --log-level error --bind 127.0.0.1:{port} {application}",
    ),
    Server(
        "gunicorn",
        "gunicorn",
        "gunicorn --worker-class asgi --asgi-loop uvloop --asgi-lifespan off --no-control-socket"
        " --worker-connections 8192 --log-level error --bind 127.0.0.1:{port} {application}",
    ),
    # Threads as its documentation suggests for one core.
    Server(
        "gunicorn-wsgi",
        "gunicorn",
        "gunicorn --worker-class gthread --threads 4 --keep-alive 60 --no-control-socket"
        " --log-level error --bind 127.0.0.1:{port} {application}",
        websockets=False,
        is_wsgi=True,
    ),
    Server("daphne", "daphne", "daphne -v 0 -b 127.0.0.1 -p {port} {application}"),
    Server(
        "casgi-no-accelerate",
        "casgi",
        "casgi -v 0 --no-accelerate -b 127.0.0.1 -p {port} {application}",
    ),
    Floor("floor", "send_floor", ""),
)
PEERS = "casgi,uvicorn,fastpysgi,granian,hypercorn,gunicorn,daphne"


def select(names: str) -> Sequence[Server]:
    """Return the servers in a comma-separated list, in its order."""
    known = {server.name: server for server in SERVERS}
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        raise BenchError(f"unknown server {', '.join(unknown)!r}; known: {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(wanted)]
