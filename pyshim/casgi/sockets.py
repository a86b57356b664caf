"""The sockets a server listens on: bound here, listened on by the core, closed here."""

import errno
import logging
import os
import socket
from dataclasses import dataclass, replace
from typing import Any

from casgi.config import DEFAULT_HOST, DEFAULT_PORT, Config
from casgi.endpoints import (
    DescriptorEndpoint,
    Endpoint,
    SslEndpoint,
    SystemdEndpoint,
    TcpEndpoint,
    UnixEndpoint,
    parse_endpoint,
    passed_by_systemd,
)
from casgi.errors import BindError
from casgi.tls import TlsSettings
from casgi.unix_sockets import SocketFile, bind_unix, unix_name

logger = logging.getLogger("casgi.server")

DEFAULT_BACKLOG = 2048
"""Connections that the kernel holds before they are accepted; it may hold fewer (somaxconn)."""

_TRIES_OF_A_FREE_PORT = 20  # for a name of several addresses
_EVERY_ADDRESS_OF_IPV4 = "0.0.0.0"
_LOCAL = {_EVERY_ADDRESS_OF_IPV4: "127.0.0.1", "::": "::1"}
_FAMILIES = (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX)


@dataclass(frozen=True, slots=True)
class BoundSocket:
    """A bound socket, and the file of a Unix socket that goes away with it."""

    socket: socket.socket
    unix_file: SocketFile | None = None
    backlog: int = DEFAULT_BACKLOG
    tls: TlsSettings | None = None

    @property
    def address(self) -> Any:
        """(host, port) for TCP, the path for a Unix socket, or its name behind an @."""
        name = self.socket.getsockname()
        return unix_name(name) if self.socket.family == socket.AF_UNIX else name[:2]

    @property
    def url(self) -> str | None:
        """Where a browser of this machine finds it; None for a Unix socket."""
        if self.socket.family == socket.AF_UNIX:
            return None
        host, port = self.address
        host = _LOCAL.get(host, host)
        return f"{'http' if self.tls is None else 'https'}://{_with_port(host, port)}/"

    def __str__(self) -> str:
        if self.socket.family == socket.AF_UNIX:
            return f"UNIX socket {self.address}"
        return f"TCP address {_with_port(*self.address)}"

    def listen(self) -> None:
        """Listen; a socket that does so already keeps the backlog that it was given."""
        if not self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            self.socket.listen(self.backlog)

    def close(self) -> None:
        """Close the socket and remove its file, unless another server has taken the path since."""
        if self.unix_file is not None:
            self.unix_file.remove()
        self.socket.close()


def bind_sockets(config: Config) -> list[BoundSocket]:
    """Return every socket that the config asks for, bound; raise BindError and leave none open."""
    bound: list[BoundSocket] = []
    _warn_of_unused(config)
    try:
        tls = config.tls_settings()
        if config.fd is not None:
            bound.append(_with_tls(adopt_descriptor(config.fd), tls))
        if config.unix_socket is not None:
            unix = UnixEndpoint(config.unix_socket, int(config.unix_socket_mode, 8))
            bound.append(_bind_unix(unix, config.unix_socket_owner))
        for endpoint in config.endpoints:
            bound.extend(_bind_endpoint(parse_endpoint(endpoint)))
        if config.bind is not None or config.port is not None or not bound:
            host = (config.bind or DEFAULT_HOST).removeprefix("[").removesuffix("]")
            port = DEFAULT_PORT if config.port is None else config.port
            bound.extend(_with_tls(one, tls) for one in _bind_tcp(host, port))
    except BaseException:
        for one in bound:
            one.close()
        raise
    return [_with_versions(one, http2=config.http2) for one in bound]


def _warn_of_unused(config: Config) -> None:
    """Say that there are sockets of systemd which nothing names: its clients would wait there."""
    kinds = {endpoint.partition(":")[0].strip().lower() for endpoint in config.endpoints}
    if config.fd is None and not kinds & {"systemd", "fd"} and passed_by_systemd() > 0:
        logger.warning(
            "systemd has passed sockets (LISTEN_FDS) that are not listened on:"
            " -e systemd:domain=INET:index=0 names the first"
        )


def _with_versions(bound: BoundSocket, *, http2: bool) -> BoundSocket:
    """Say which versions of HTTP a socket that speaks TLS offers its clients."""
    return bound if bound.tls is None else replace(bound, tls=replace(bound.tls, http2=http2))


def _with_tls(bound: BoundSocket, tls: TlsSettings | None) -> BoundSocket:
    """Let a socket speak TLS; a Unix socket leads to a proxy on this host, and does not."""
    return bound if bound.socket.family == socket.AF_UNIX else replace(bound, tls=tls)


def _bind_endpoint(endpoint: Endpoint) -> list[BoundSocket]:
    match endpoint:
        case TcpEndpoint(port, interface, backlog):
            return _bind_tcp(interface or _EVERY_ADDRESS_OF_IPV4, port, backlog)
        case SslEndpoint(tcp, settings):
            return [_with_tls(one, settings) for one in _bind_endpoint(tcp)]
        case UnixEndpoint():
            return [_bind_unix(endpoint)]
        case DescriptorEndpoint(fileno):
            return [adopt_descriptor(fileno)]
        case SystemdEndpoint():
            return [adopt_descriptor(endpoint.fileno())]


def _bind_tcp(host: str, port: int, backlog: int | None = None) -> list[BoundSocket]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise _bind_error(_with_port(host, port), error) from None
    tries = _TRIES_OF_A_FREE_PORT if port == 0 else 1
    while True:
        tries -= 1
        try:
            return _bind_addresses(found, port, _backlog_or_default(backlog))
        except OSError as error:
            # What the system chose for one address can be in use on another.
            if error.errno != errno.EADDRINUSE or not tries:
                raise _bind_error(_with_port(host, port), error) from None


def _bind_addresses(found: list[Any], port: int, backlog: int) -> list[BoundSocket]:
    """Return a socket for each address; raise OSError and leave none open."""
    bound: list[BoundSocket] = []
    for family, _, _, _, address in dict.fromkeys(found):
        if port == 0 and bound:
            # A name of several addresses gets the port that the system chose for the first.
            address = (address[0], bound[0].address[1], *address[2:])
        try:
            bound.append(BoundSocket(_tcp_socket(family, address), backlog=backlog))
        except OSError:
            for one in bound:
                one.close()
            raise
    return bound


def _tcp_socket(family: int, address: tuple[Any, ...]) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Otherwise a restart fails for a minute, while old connections are in TIME_WAIT.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # "::" means every address of the machine, IPv4's too; the system's default varies.
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address[0] != "::"))
        made.bind(address)
    except BaseException:
        made.close()
        raise
    return made


def _backlog_or_default(backlog: int | None) -> int:
    return DEFAULT_BACKLOG if backlog is None else backlog


def _bind_unix(endpoint: UnixEndpoint, owner: str | None = None) -> BoundSocket:
    try:
        made, file = bind_unix(endpoint.path, endpoint.mode, owner)
    except (OSError, ValueError) as error:
        raise _bind_error(endpoint.path, error) from None
    return BoundSocket(made, file, _backlog_or_default(endpoint.backlog))


def adopt_descriptor(fd: int) -> BoundSocket:
    """Take a copy of an inherited descriptor, so that closing ours leaves the caller's open."""
    try:
        adopted = socket.socket(fileno=os.dup(fd))
    except OSError as error:
        raise _bind_error(f"file descriptor {fd}", error) from None
    if adopted.type != socket.SOCK_STREAM or adopted.family not in _FAMILIES:
        adopted.close()
        raise BindError(f"cannot listen on file descriptor {fd}: not a TCP or Unix stream socket")
    return BoundSocket(adopted)


def listen_error(bound: BoundSocket, error: OSError) -> BindError:
    """Return the error to raise when a bound socket cannot be listened on."""
    return _bind_error(str(bound), error)


def log_addresses(sockets: list[BoundSocket]) -> None:
    """Write where the server listens, and what a terminal makes a link of."""
    for bound in sockets:
        logger.info("Listening on %s", str(bound))  # a handler may format it later
    if urls := [bound.url for bound in sockets if bound.url is not None]:
        logger.info("Serving %s", " ".join(urls))


def _bind_error(where: str, error: Exception) -> BindError:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return BindError(f"cannot listen on {where}: the address is already in use")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return BindError(f"cannot listen on {where}: {reason}")


def _with_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
