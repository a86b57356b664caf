"""The servers that are compared: how each is found and started, at its best and without logs."""

import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata

from bench.errors import BenchError


@dataclass(frozen=True)
class Server:
    """One server: what is imported, and the arguments after ``python -m``."""

    name: str
    module: str
    arguments: str
    websockets: bool = True

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
    Server("daphne", "daphne", "daphne -v 0 -b 127.0.0.1 -p {port} {application}"),
)


def select(names: str | None) -> Sequence[Server]:
    """Return the servers in a comma-separated list, in its order; all of them for None."""
    if names is None:
        return SERVERS
    known = {server.name: server for server in SERVERS}
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        raise BenchError(f"unknown server {', '.join(unknown)!r}; known: {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(wanted)]
