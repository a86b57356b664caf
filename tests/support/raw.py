"""A raw HTTP/1.1 client: any bytes out, strictly parsed responses in.

It is blocking, and every wait has a deadline. It never repairs what the server sent: a response
that is not exactly framed fails the test that read it.
"""

import contextlib
import re
import socket
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from support.apps import DEADLINE

STATUS_LINE = re.compile(rb"(HTTP/1\.[01]) ([1-9][0-9]{2}) ([^\r\n\0]*)")
FIELD_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*")
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})")


@dataclass
class Response:
    """A response as it stood on the wire."""

    version: bytes
    status: int
    reason: bytes
    headers: list[tuple[bytes, bytes]]
    raw: bytes
    body: bytes = b""
    chunks: list[bytes] = field(default_factory=list)

    def all(self, name: bytes) -> list[bytes]:
        """Return the values of every header called `name`, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: bytes) -> bytes | None:
        """Return the value of the header called `name`, which must not be repeated."""
        values = self.all(name)
        assert len(values) <= 1, f"{name!r} is repeated: {values}"
        return values[0] if values else None


def request(
    target: str | bytes = "/",
    *,
    method: str = "GET",
    headers: Iterable[str | bytes] = (),
    body: bytes | None = None,
    version: str = "1.1",
    host: str | None = "test",
) -> bytes:
    """Return a request's bytes; a given body brings its Content-Length."""
    lines = [method.encode() + b" " + _bytes(target) + b" HTTP/" + version.encode()]
    if host is not None:
        lines.append(b"Host: " + host.encode())
    lines += [_bytes(line) for line in headers]
    if body is not None:
        lines.append(b"Content-Length: " + str(len(body)).encode())
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


def _bytes(text: str | bytes) -> bytes:
    return text.encode("latin-1") if isinstance(text, str) else text


class RawClient:
    """One connection to the server under test."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.buffer = bytearray()
        self.socket.settimeout(DEADLINE)
        if self.socket.family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, data: bytes) -> None:
        """Send all of `data`; raises OSError when the server has closed."""
        self.socket.sendall(data)

    def offer(self, data: bytes) -> None:
        """Send as much of `data` as the server takes before it closes."""
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(data)

    def dribble(self, data: bytes, size: int = 1) -> None:
        """Send `data` in packets of `size` bytes."""
        for start in range(0, len(data), size):
            self.send(data[start : start + size])

    def half_close(self) -> None:
        """Say that nothing more will be sent, and keep reading."""
        self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close the connection in the ordinary way."""
        self.socket.close()

    def reset(self) -> None:
        """Close the connection with a TCP reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def read_exactly(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        while len(self.buffer) < size:
            self._fill()
        return self._take(size)

    def read_until(self, end: bytes) -> bytes:
        """Return the bytes up to and with `end`."""
        while (found := self.buffer.find(end)) < 0:
            self._fill()
        return self._take(found + len(end))

    def read_to_end(self, timeout: float = DEADLINE) -> bytes:
        """Return everything up to the end of the connection, which must come in time."""
        stop = time.monotonic() + timeout
        while True:
            self.socket.settimeout(max(0.001, stop - time.monotonic()))
            try:
                if not (data := self.socket.recv(65536)):
                    break
                self.buffer += data
            except ConnectionError:
                break
            except TimeoutError:
                raise AssertionError(
                    f"still open after {timeout} s, having sent {bytes(self.buffer[:200])!r}"
                ) from None
            finally:
                self.socket.settimeout(DEADLINE)
        return self._take(len(self.buffer))

    def assert_closed(self, timeout: float = DEADLINE) -> None:
        """Check that the server closes in time without sending anything more."""
        rest = self.read_to_end(timeout)
        assert rest == b"", f"closed, but sent {rest[:200]!r} before"

    def is_silent(self, seconds: float) -> bool:
        """Tell whether nothing, not even the end, comes for so long."""
        if self.buffer:
            return False
        self.socket.settimeout(seconds)
        try:
            self.buffer += self.socket.recv(65536)
        except TimeoutError:
            return True
        except ConnectionError:
            pass
        finally:
            self.socket.settimeout(DEADLINE)
        return False

    def read_response(self, method: str = "GET") -> Response:
        """Return the next response, the body read as its framing says for this method."""
        response = self.read_head()
        if 100 <= response.status < 200 or response.status in (204, 304) or method == "HEAD":
            return response
        coding = response.header(b"transfer-encoding")
        length = response.header(b"content-length")
        assert coding is None or length is None, "both Transfer-Encoding and Content-Length"
        if coding is not None:
            assert coding.lower() == b"chunked", coding
            self._read_chunks(response)
        elif length is not None:
            assert re.fullmatch(rb"[0-9]+", length), length
            response.body = self.read_exactly(int(length))
            response.raw += response.body
        else:
            response.body = self.read_to_end()
            response.raw += response.body
        return response

    def read_head(self) -> Response:
        """Return the next response's status line and headers."""
        raw = self.read_until(b"\r\n\r\n")
        status_line, *lines = raw[:-4].split(b"\r\n")
        matched = STATUS_LINE.fullmatch(status_line)
        assert matched, f"not a status line: {status_line!r}"
        headers = []
        for line in lines:
            assert (parts := FIELD_LINE.fullmatch(line)), f"not a header: {line!r}"
            headers.append((parts[1], parts[2]))
        return Response(matched[1], int(matched[2]), matched[3], headers, raw)

    def _read_chunks(self, response: Response) -> None:
        while True:
            line = self.read_until(b"\r\n")
            assert (size := CHUNK_SIZE.fullmatch(line[:-2])), f"not a chunk size: {line!r}"
            chunk = self.read_exactly(int(size[1], 16) + 2)
            assert chunk.endswith(b"\r\n"), f"no CRLF after the chunk: {chunk[-2:]!r}"
            response.raw += line + chunk
            if len(chunk) == 2:
                break
            response.chunks.append(chunk[:-2])
        response.body = b"".join(response.chunks)

    def _fill(self) -> None:
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            raise AssertionError(f"no more than {bytes(self.buffer[:500])!r} came") from None
        assert data, f"closed after {bytes(self.buffer[:500])!r}"
        self.buffer += data

    def _take(self, size: int) -> bytes:
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        return data
