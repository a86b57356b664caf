"""`python -m bench.page_instructions`: instructions of a page of Django, on casgi and by WSGI.

Counted by callgrind, so a busy machine changes nothing; what the kernel does is not in them.
"""

import contextlib
import socket
import sys
import tempfile
from pathlib import Path

from bench.callgrind import control, counted_process, sum_of
from bench.django_site.database import database
from bench.errors import BenchError
from bench.process import free_port
from bench.scenarios.django_pages import DjangoAsync, DjangoPage, DjangoSync, RestFramework
from bench.servers import Server, select

SERVERS = "casgi,gunicorn-wsgi"
CONNECTIONS = 16
WARM_UP = 10
COUNTED = 40
ANSWER_SECONDS = 120.0

ROWS: tuple[tuple[type[DjangoSync], str], ...] = (
    (DjangoSync, "none"),
    (DjangoSync, "default"),
    (DjangoPage, "default"),
    (RestFramework, "default"),
    (DjangoAsync, "default"),
)


class Clients:
    """Connections that stay, each of which asks for a page in every round."""

    def __init__(self, port: int, path: str) -> None:
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        self._sockets = [
            socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS)
            for _ in range(CONNECTIONS)
        ]
        self._files = [one.makefile("rb") for one in self._sockets]

    def close(self) -> None:
        """Close them."""
        for file in self._files:
            file.close()
        for one in self._sockets:
            one.close()

    def rounds(self, number: int) -> None:
        """Have all of them ask at once, so many times."""
        for _ in range(number):
            for one in self._sockets:
                one.sendall(self._request)
            for file in self._files:
                status = file.readline()
                if b" 200 " not in status:
                    raise BenchError(f"the page is not there: {status!r}")
                length = 0
                while (line := file.readline()) != b"\r\n":
                    name, _, value = line.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                file.read(length)


def command_of(server: Server, application: str, port: int) -> list[str]:
    """Return the command of a server, gunicorn's such that its worker is the process itself."""
    command = server.command(application, port)
    return ["bench.run_gunicorn" if word == "gunicorn" else word for word in command]


def count(server: Server, scenario: DjangoSync) -> float:
    """Return the instructions of one request, an average."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, database() as variable:
        output = Path(folder, "counts")
        environment = {**variable, "BENCH_MIDDLEWARE": scenario.middleware}
        command = command_of(server, scenario.application_for(server), port)
        with (
            counted_process(command, port, output, environment) as pid,
            contextlib.closing(Clients(port, scenario.path)) as clients,
        ):
            clients.rounds(2)
            control(pid, "--instr=on")
            clients.rounds(WARM_UP)
            control(pid, "--zero")
            clients.rounds(COUNTED)
            control(pid, "--dump")
            instructions = sum_of(Path(f"{output}.1"))
    return instructions / (COUNTED * CONNECTIONS)


def main() -> None:
    """Print the table, row by row."""
    servers = select(",".join(sys.argv[1:]) or SERVERS)
    print(f"{'instructions of a request':30}" + "".join(f"{one.name:>16}" for one in servers))
    for kind, middleware in ROWS:
        counts = [count(server, kind(CONNECTIONS, 0, middleware)) for server in servers]
        row = "".join(f"{one:16,.0f}" for one in counts)
        print(f"{kind.name + ' ' + middleware:30}{row}{counts[0] / counts[-1]:8.2f}", flush=True)


if __name__ == "__main__":
    main()
