"""Bodies of any size pass in flat memory, and a client that never reads costs a bounded amount.

The server runs in a process of its own and is measured from outside. CASGI_TEST_MEGABYTES sets
the size of the bodies: 1024 makes it the gigabyte of the project's bar.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.apps import DEADLINE
from support.raw import RawClient, request
from support.ws import TEXT, encode_frame, upgrade

MEGABYTES = int(os.environ.get("CASGI_TEST_MEGABYTES", "64"))
ALLOWED = 8 << 20
TESTS = Path(__file__).resolve().parent.parent


class MemoryServer:
    """The measured process."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "support.memory_server"],
            cwd=TESTS,
            env={**os.environ, "CASGI_TEST_TLS": "0", "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def connect(self) -> RawClient:
        """Return a new connection."""
        return RawClient(socket.create_connection(("127.0.0.1", self.port), DEADLINE))

    def resident(self, field: str = "VmRSS") -> int:
        """Return the process's resident bytes, or with VmHWM the most there ever were."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"no {field}")

    def stop(self) -> None:
        """End the process in good order."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(DEADLINE)
        self.process.stdout.close()


@pytest.fixture
def server() -> Iterator[MemoryServer]:
    """Start the process, warmed up by one exchange of each kind."""
    running = MemoryServer()
    upload(running, 2)
    download(running, 2)
    yield running
    running.stop()


def upload(server: MemoryServer, megabytes: int) -> None:
    """Send a body of that size."""
    size = megabytes << 20
    with server.connect() as client:
        client.send(request(method="POST", headers=[f"Content-Length: {size}"]))
        block = bytes(1 << 20)
        for _ in range(megabytes):
            client.send(block)
        assert client.read_response().body == str(size).encode()


def download(server: MemoryServer, megabytes: int) -> None:
    """Ask for a chunked body of that size, and count it as it comes."""
    with server.connect() as client:
        client.send(request(f"/?{megabytes * 16}", headers=["Connection: close"]))
        assert client.read_head().header(b"transfer-encoding") == b"chunked"
        received = len(client.buffer)
        end = b""
        while data := client.socket.recv(1 << 18):
            received += len(data)
            end = (end + data)[-5:]
        assert end == b"0\r\n\r\n"
        assert received > megabytes << 20


def test_upload(server: MemoryServer) -> None:
    before = server.resident("VmHWM")
    upload(server, MEGABYTES)
    assert server.resident("VmHWM") - before < ALLOWED


def test_download(server: MemoryServer) -> None:
    before = server.resident("VmHWM")
    download(server, MEGABYTES)
    assert server.resident("VmHWM") - before < ALLOWED


@pytest.mark.parametrize("kind", ["response", "websocket"])
def test_clients_that_never_read(server: MemoryServer, kind: str) -> None:
    """Each costs its connection, the high-water mark and the message above it; no more."""
    before = server.resident("VmHWM")
    clients = [server.connect() for _ in range(20)]
    for client in clients:
        client.send(upgrade() if kind == "websocket" else request("/?16384"))
        client.read_head()
    assert clients[-1].socket.recv(1, socket.MSG_PEEK)
    download(server, 4)
    assert server.resident("VmHWM") - before < ALLOWED
    for client in clients:
        client.close()


def test_tiny_messages_that_nobody_receives(server: MemoryServer) -> None:
    """A message without payload has 6 bytes on the wire, and would have hundreds as an event."""
    before = server.resident("VmHWM")
    clients = [server.connect() for _ in range(20)]
    for client in clients:
        client.send(upgrade("/deaf"))
        client.read_head()
        client.send(encode_frame(TEXT) * 10_000)
    download(server, 4)
    assert server.resident("VmHWM") - before < ALLOWED
    for client in clients:
        client.close()


def test_memory_comes_back_after_many_connections(server: MemoryServer) -> None:
    """The second hundred of connections uses what the first hundred gave back."""
    peaks = []
    for _ in range(4):
        clients = [server.connect() for _ in range(100)]
        for client in clients:
            client.send(request("/?1"))
            assert client.read_response().status == 200
        peaks.append(server.resident())
        for client in clients:
            client.close()
    assert peaks[-1] - peaks[1] < 1 << 20
