"""The servers that are compared: how each is found and started, at its best and without logs."""

import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata

from bench.errors import BenchError
from bench.programs import compiled
from bench.transport import Transport, certificate


@dataclass(frozen=True)
class Server:
    """One server: what is imported, and the arguments after ``python -m``."""

    name: str
    module: str
    arguments: str
    websockets: bool = True
    is_wsgi: bool = False
    distribution: str | None = None
    """What is installed, where that has another name than the module."""
    transport: Transport = Transport.PLAIN
    has_hub: bool = False
    """Whether its processes have groups together without Redis; it then tells a service manager
    when all of them serve."""

    def version(self) -> str | None:
        """Return the installed version, or None if this interpreter cannot import the server."""
        if importlib.util.find_spec(self.module) is None:
            return None
        try:
            return metadata.version(self.distribution or self.module)
        except metadata.PackageNotFoundError:
            return "source tree"

    def command(self, application: str, port: int) -> list[str]:
        """Return the command line that serves ``module:name`` on 127.0.0.1."""
        names: dict[str, object] = {"application": application, "port": port}
        if self.transport is Transport.TLS:
            names["certificate"] = certificate()
        arguments = self.arguments.format(**names)
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
        "weft",
        "weft",
        "weft --log-level error --max-connections 8192 --host 127.0.0.1 --port {port}"
        " {application}",
        distribution="weft-server",
    ),
    Server(
        "h2corn",
        "h2corn",
        "h2corn --no-access-log --loop uvloop --backlog 8192 --bind 127.0.0.1:{port} {application}",
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
        "casgi-workers",
        "casgi",
        "casgi -v 0 --workers 2 -b 127.0.0.1 -p {port} {application}",
        has_hub=True,
    ),
    Server(
        "casgi-no-accelerate",
        "casgi",
        "casgi -v 0 --no-accelerate -b 127.0.0.1 -p {port} {application}",
    ),
    Server(
        "casgi-tls",
        "casgi",
        "casgi -v 0 -b 127.0.0.1 -p {port} --ssl-certfile {certificate} {application}",
        transport=Transport.TLS,
    ),
    Server(
        "casgi-deflate",
        "casgi",
        "casgi -v 0 -b 127.0.0.1 -p {port} --ws-deflate {application}",
        transport=Transport.DEFLATE,
    ),
    Server(
        "casgi-http2",
        "casgi",
        "casgi -v 0 -b 127.0.0.1 -p {port} {application}",
        transport=Transport.HTTP2,
    ),
    Server(
        "uvicorn-tls",
        "uvicorn",
        "uvicorn --loop uvloop --http httptools --lifespan off --no-access-log"
        " --log-level warning --host 127.0.0.1 --port {port} --ssl-certfile {certificate}"
        " {application}",
        transport=Transport.TLS,
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
