"""`python -m bench.instructions`: instructions of one request or message, counted by callgrind.

Unlike times, they are the same on a busy machine. What the kernel does is not in them. `OpenSSL`
are those that it takes to decrypt what has come and to encrypt what goes; `floor` is the ratio if
all else of TLS were free.
"""

import contextlib
import http.client
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

from bench.callgrind import control, counted_process, sum_of
from bench.process import free_port
from bench.transport import certificate, trusting

COUNTED = 300
WARM_UP = 100
INCLUSIVE = re.compile(r"^ *([\d,]+) \(.*:(SSL_read_ex|SSL_write_ex) \[", re.MULTILINE)

Step = Callable[[], object]
Connect = Callable[[int, bool], contextlib.AbstractContextManager[Step]]


@contextlib.contextmanager
def requests(port: int, is_tls: bool) -> Iterator[Step]:
    """Yield what sends one request on a connection that stays, and reads the answer."""
    client: Any = (
        http.client.HTTPSConnection("127.0.0.1", port, context=trusting(), timeout=60)
        if is_tls
        else http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    )

    def request() -> None:
        client.request("GET", "/")
        client.getresponse().read()

    with contextlib.closing(client):
        yield request


@contextlib.contextmanager
def messages(port: int, is_tls: bool) -> Iterator[Step]:
    """Yield what sends one message on a WebSocket, and reads its echo."""
    scheme, context = ("wss", trusting()) if is_tls else ("ws", None)
    url = f"{scheme}://127.0.0.1:{port}/"
    with connect(url, ssl=context, compression=None, proxy=None) as client:

        def message() -> None:
            client.send("sixteen letters.")
            client.recv()

        yield message


ROWS: tuple[tuple[str, str, Connect, tuple[str, ...]], ...] = (
    ("hello", "bench.apps:hello", requests, ()),
    ("hello, metrics", "bench.apps:hello", requests, ("--metrics", "127.0.0.1:0")),
    ("hello of 10 KB", "bench.apps:large_hello", requests, ()),
    ("echo", "bench.apps:echo", messages, ()),
)


def command_of(
    application: str, port: int, is_tls: bool, options: tuple[str, ...] = ()
) -> list[str]:
    """Return the command of casgi."""
    command = [sys.executable, "-m", "casgi", "-v", "0", "-b", "127.0.0.1", "-p", str(port)]
    command += ["--ssl-certfile", str(certificate())] if is_tls else []
    return [*command, *options, application]


def inside_openssl(dump: Path) -> int:
    """Return the instructions of all records, with the way to the socket."""
    command = ["callgrind_annotate", "--inclusive=yes", "--threshold=100", "--auto=no"]
    command.append(str(dump))
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return sum(int(number.replace(",", "")) for number, _ in INCLUSIVE.findall(printed))


def count(
    application: str, is_tls: bool, connect_to: Connect, options: tuple[str, ...] = ()
) -> tuple[float, float]:
    """Return the instructions of one step of a client's, and those in OpenSSL: averages."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "counts")
        with (
            counted_process(command_of(application, port, is_tls, options), port, output) as pid,
            connect_to(port, is_tls) as step,
        ):
            step()
            control(pid, "--instr=on")
            for _ in range(WARM_UP):
                step()
            control(pid, "--zero")
            for _ in range(COUNTED):
                step()
            control(pid, "--dump")
            dump = Path(f"{output}.1")
            instructions, in_openssl = sum_of(dump), inside_openssl(dump) if is_tls else 0
    return instructions / COUNTED, in_openssl / COUNTED


def main() -> None:
    """Print the table, row by row."""
    print(f"{'instructions':16}{'plain':>10}{'TLS':>10}{'ratio':>8}{'OpenSSL':>10}{'floor':>8}")
    for name, application, connect_to, options in ROWS:
        plain, _ = count(application, False, connect_to, options)
        encrypted, openssl = count(application, True, connect_to, options)
        figures = f"{plain:10,.0f}{encrypted:10,.0f}{encrypted / plain:8.2f}"
        print(f"{name:16}{figures}{openssl:10,.0f}{(plain + openssl) / plain:8.2f}", flush=True)


if __name__ == "__main__":
    main()
