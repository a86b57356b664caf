"""Plain clients for large bodies, and for clients that ask and then never read."""

import contextlib
import http
import http.client
import socket
from collections.abc import Iterator

from bench.apps import MEBIBYTE
from bench.errors import BenchError

TIMEOUT_SECONDS = 30.0  # without any progress
UNREAD_RESPONSE = b"GET /unread HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
UNREAD_WEBSOCKET = (
    b"GET /unread HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def upload(port: int, length: int) -> None:
    """Send a body of so many bytes; check that the application received them all."""
    piece = bytes(MEBIBYTE)
    pieces = (piece[: length - start] for start in range(0, length, MEBIBYTE))
    with _connection(port) as connection:
        connection.request("POST", "/upload", pieces, {"Content-Length": str(length)})
        answer = connection.getresponse().read()
    if answer != b"%d" % length:
        raise BenchError(f"an upload of {length} bytes was answered {answer[:60]!r}")


def download(port: int, length: int) -> None:
    """Ask for a body of so many bytes (whole MiB); check that all of them come."""
    buffer = bytearray(MEBIBYTE)
    received = 0
    with _connection(port) as connection:
        connection.request("GET", f"/download/{length // MEBIBYTE}")
        response = connection.getresponse()
        while count := response.readinto(buffer):
            received += count
    if response.status != http.HTTPStatus.OK or received != length:
        raise BenchError(f"a download of {length} bytes brought {received}")


@contextlib.contextmanager
def unread(port: int, request: bytes, status: bytes) -> Iterator[None]:
    """Send a request, wait until its answer begins with that status, and read nothing of it."""
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS) as client:
        client.sendall(request)
        start = client.recv(12, socket.MSG_PEEK | socket.MSG_WAITALL)
        if start != b"HTTP/1.1 " + status:
            raise BenchError(f"the request was answered {start!r}")
        yield


@contextlib.contextmanager
def _connection(port: int) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        yield connection
    except http.client.HTTPException as error:
        raise BenchError(f"the server's answer cannot be read: {error!r}") from error
    finally:
        connection.close()
