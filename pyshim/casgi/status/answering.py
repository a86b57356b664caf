"""The HTTP server of a status address: three pages, and nothing of the application's.

It answers GET and HEAD, and closes. It runs in the event loop of a supervisor, or of a LoopThread,
so that it answers while the application's loop is held up.
"""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from casgi.errors import BindError, ConfigError
from casgi.forks import Descriptors
from casgi.status.exposition import CONTENT_TYPE
from casgi.unix_sockets import SocketFile, bind_unix

# Of a unix socket: what is said of a server is for its user.
_MODE = 0o600
_LONGEST_HEAD = 8 * 1024
_SECONDS = 5.0
_TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Status:
    """What is asked of a server; each function is called once for a request."""

    is_ready: Callable[[], bool]
    """Whether requests should be sent to it: not before it serves, nor from a stop's beginning."""
    metrics: Callable[[], str]


def parse_address(text: str) -> tuple[str, int] | str:
    """Return host and port, or the path of "unix:PATH"; raise ConfigError.

    A port alone is one of this machine's loopback address, ":PORT" is on every address.
    """
    if text.startswith("unix:") and len(text) > len("unix:"):
        return text.removeprefix("unix:")
    host, colon, port = text.rpartition(":")
    if not (port.isascii() and port.isdecimal() and int(port) <= 65535):
        raise ConfigError(f"metrics must be HOST:PORT, PORT or unix:PATH, not {text!r}")
    if not colon:
        host = "127.0.0.1"
    return host.removeprefix("[").removesuffix("]"), int(port)


@dataclass(frozen=True, slots=True)
class StatusSocket:
    """A socket that listens, and its file, if it has one."""

    socket: socket.socket
    file: SocketFile | None = None

    def close(self) -> None:
        """Close it, and remove its file."""
        self.remove_file()
        self.socket.close()

    def remove_file(self) -> None:
        """Let nobody find it any more. Can be called again."""
        if self.file is not None:
            self.file.remove()


def bind_status(text: str) -> StatusSocket:
    """Return a socket that listens on such an address; raise BindError."""
    address = parse_address(text)
    try:
        if isinstance(address, str):
            bound, file = bind_unix(address, _MODE, None)
            bound.listen()
            return StatusSocket(bound, file)
        host, port = address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return StatusSocket(socket.create_server((host, port), family=family))
    except OSError as error:
        raise BindError(
            f"cannot listen on {text} for --metrics: {error.strerror or error}"
        ) from None


class StatusServer:
    """Answers on a listening socket, which it takes, in the running loop."""

    def __init__(self, bound: StatusSocket, status: Status) -> None:
        self._bound = bound
        self._descriptors = Descriptors([bound.socket.fileno()])
        self._status = status
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to answer."""
        self._server = await asyncio.start_server(
            self._serve, sock=self._bound.socket, limit=_LONGEST_HEAD
        )

    def close(self) -> None:
        """Answer no more."""
        self._bound.remove_file()
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._answer(head))
                await writer.drain()
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        status, kind, text = HTTPStatus.NOT_FOUND, _TEXT, "there are /metrics, /health and /ready\n"
        if method not in ("GET", "HEAD"):
            status, text = HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD\n"
        elif path == "/metrics":
            status, kind, text = HTTPStatus.OK, CONTENT_TYPE, self._status.metrics()
        elif path == "/health":
            status, text = HTTPStatus.OK, "alive\n"
        elif path == "/ready":
            is_ready = self._status.is_ready()
            status = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
            text = "ready\n" if is_ready else "not ready\n"
        body = text.encode()
        answer = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
        ).encode()
        return answer if method == "HEAD" else answer + body
