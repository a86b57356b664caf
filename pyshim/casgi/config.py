"""The settings of one server: data only, checked when made.

The defaults are daphne's wherever daphne has the option. Timeouts are seconds, and None is never.
"""

import ipaddress
import math
import re
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias, get_args

from casgi import _core
from casgi.endpoints import parse_endpoint
from casgi.errors import ConfigError

LifespanMode: TypeAlias = Literal["auto", "on", "off"]
SlowConsumerPolicy: TypeAlias = Literal["close", "drop-oldest", "drop-newest"]

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000

# What the core has no part in.
_OF_THE_SHIM = (
    "bind",
    "port",
    "unix_socket",
    "fd",
    "endpoints",
    "proxy_headers",
    "lifespan",
    "access_log",
    "accelerate",
    "verify_shared",
)
_TIMEOUTS = (
    "http_timeout",
    "header_timeout",
    "keep_alive_timeout",
    "websocket_timeout",
    "websocket_connect_timeout",
    "ping_interval",
    "ping_timeout",
)
_SIZES_OR_UNLIMITED = ("websocket_max_message_size", "websocket_max_frame_size")
_SIZES = (
    "request_buffer_size",
    "max_head_size",
    "max_headers",
    "write_high_water",
    "write_backlog_limit",
)
# RFC 9110 section 5.6.2; names with an underscore never reach an application.
_HEADER_NAME = re.compile(r"[-!#$%&'*+.^`|~0-9A-Za-z]{1,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that can be set, under the names that the command line uses too."""

    bind: str | None = None
    """Host name or address; 127.0.0.1 when nothing says where to listen."""
    port: int | None = None
    """TCP port, 8000 when not given; 0 lets the system choose."""
    unix_socket: str | None = None
    """Path of a socket to make."""
    fd: int | None = None
    """An inherited descriptor of a bound stream socket."""
    endpoints: tuple[str, ...] = ()
    """Where to listen beside these, as casgi.endpoints reads it: "tcp:8000:interface=127.0.0.1"."""

    lifespan: LifespanMode = "auto"
    access_log: str | None = None
    """File that access-log lines are appended to, "-" for standard output, None for no log."""
    access_log_format: str = "ncsa"
    """"ncsa", "combined", "json", or a text with {fields}; docs/logging.md."""

    accelerate: bool = True
    """Whether casgi's dispatch and layers stand in for those of Django Channels."""
    verify_shared: bool = False
    """Whether handlers that could be shared run for each consumer, to be compared."""

    proxy_headers: bool = False
    """Whether the client's address and scheme are those of X-Forwarded-For, -Port and -Proto."""
    proxy_headers_host: str | None = None
    """Header to read instead of X-Forwarded-For."""
    proxy_headers_port: str | None = None
    """Header to read instead of X-Forwarded-Port."""
    trusted_proxies: str = "*"
    """Who is believed: addresses and networks with commas between them, "*" for everybody."""
    root_path: str = ""
    server_name: str | None = "casgi"
    """Value of the Server header; None leaves the header out."""
    date_header: bool = True

    http_timeout: float | None = None
    header_timeout: float | None = 30.0
    keep_alive_timeout: float | None = 75.0
    websocket_timeout: float | None = 86400.0
    websocket_connect_timeout: float | None = 5.0
    ping_interval: float | None = 20.0
    ping_timeout: float | None = 30.0
    application_close_timeout: float | None = 10.0
    """How long applications have to end after their client has gone, and at shutdown."""

    websocket_max_message_size: int = 1024 * 1024
    websocket_max_frame_size: int = 1024 * 1024
    request_buffer_size: int = 64 * 1024
    max_head_size: int = 64 * 1024
    max_headers: int = 100
    write_high_water: int = 64 * 1024
    write_backlog_limit: int = 1024 * 1024
    slow_consumer: SlowConsumerPolicy = "close"
    """What is done about a group member with more than that unsent; docs/groups.md."""

    def __post_init__(self) -> None:
        for name in _TIMEOUTS:
            self._check_timeout(name, zero_is_allowed=False)
        self._check_timeout("application_close_timeout", zero_is_allowed=True)
        for name in _SIZES_OR_UNLIMITED:
            self._check_whole_number(name, least=0)
        for name in _SIZES:
            self._check_whole_number(name, least=1)
        self._check_listening()
        self._check_slow_consumer()
        self._check_proxy_headers()
        self._check_server_name()
        self._check_access_log_format()

    def core_options(self) -> dict[str, Any]:
        """Return the keywords of `_core.Server` that are settings, not made while starting."""
        options = {
            f.name: getattr(self, f.name) for f in fields(self) if f.name not in _OF_THE_SHIM
        }
        options["server_header"] = options.pop("server_name")
        options["trusted_proxies"] = _canonical_networks(self.trusted_proxies)
        if self.proxy_headers:
            options["proxy_headers_host"] = self.proxy_headers_host or "X-Forwarded-For"
            options["proxy_headers_port"] = self.proxy_headers_port or "X-Forwarded-Port"
        return options

    def _check_timeout(self, name: str, *, zero_is_allowed: bool) -> None:
        seconds = getattr(self, name)
        if seconds is None:
            return
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise ConfigError(f"{name} must be a number of seconds or None, not {seconds!r}")
        if not math.isfinite(seconds) or seconds < 0 or (seconds == 0 and not zero_is_allowed):
            raise ConfigError(f"{name} must be more than 0 seconds, or None for never: {seconds!r}")

    def _check_whole_number(self, name: str, *, least: int) -> None:
        number = getattr(self, name)
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            raise ConfigError(f"{name} must be a whole number from {least}, not {number!r}")

    def _check_listening(self) -> None:
        if self.port is not None and not 0 <= self.port <= 65535:
            raise ConfigError(f"port must be from 0 to 65535, not {self.port!r}")
        if self.fd is not None and self.fd < 0:
            raise ConfigError(f"fd must be a file descriptor, not {self.fd!r}")
        for name in ("bind", "unix_socket"):
            if getattr(self, name) == "":
                raise ConfigError(f"{name} must not be empty")
        if isinstance(self.endpoints, str):
            raise ConfigError(f"endpoints must be a tuple of texts, not {self.endpoints!r}")
        for endpoint in self.endpoints:
            parse_endpoint(endpoint)
        if self.lifespan not in ("auto", "on", "off"):
            raise ConfigError(f"lifespan must be auto, on or off, not {self.lifespan!r}")

    def _check_slow_consumer(self) -> None:
        policies = get_args(SlowConsumerPolicy)
        if self.slow_consumer not in policies:
            raise ConfigError(
                f"slow_consumer must be one of {', '.join(policies)}, not {self.slow_consumer!r}"
            )

    def _check_access_log_format(self) -> None:
        try:
            _core.check_access_log_format(self.access_log_format)
        except (TypeError, ValueError) as error:
            raise ConfigError(str(error)) from None

    def _check_proxy_headers(self) -> None:
        _canonical_networks(self.trusted_proxies)
        for name in ("proxy_headers_host", "proxy_headers_port"):
            header = getattr(self, name)
            if header is None:
                continue
            if not self.proxy_headers:
                raise ConfigError(f"{name} has no effect without proxy_headers")
            if not _HEADER_NAME.fullmatch(header):
                raise ConfigError(f"{name} must be the name of a header, not {header!r}")

    def _check_server_name(self) -> None:
        name = self.server_name
        if name is not None and not (name and name.isascii() and name.isprintable()):
            raise ConfigError(f"server_name must be printable ASCII text or None, not {name!r}")


def _canonical_networks(text: str) -> str:
    """Return addresses and networks as the core reads them; raise ConfigError for anything else."""
    if text.strip() == "*":
        return "*"
    try:
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return ",".join(str(ipaddress.ip_network(part, strict=False)) for part in parts)
    except ValueError as error:
        raise ConfigError(f'trusted_proxies must be addresses, networks or "*": {error}') from None
