"""The settings of one server: data only, checked when made.

The defaults are daphne's wherever daphne has the option. Timeouts are seconds, and None is never.
"""

import math
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias, get_args

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that can be set, under the names that the command line uses too."""

    bind: str | None = None
    """Host name or address; 127.0.0.1 when neither this, unix_socket nor fd is given."""
    port: int | None = None
    """TCP port, 8000 when not given; 0 lets the system choose."""
    unix_socket: str | None = None
    """Path of a socket to make."""
    fd: int | None = None
    """An inherited descriptor of a bound stream socket."""

    lifespan: LifespanMode = "auto"
    access_log: str | None = None
    """File that access-log lines are appended to, "-" for standard output, None for no log."""

    accelerate: bool = True
    """Whether casgi's dispatch and layers stand in for those of Django Channels."""
    verify_shared: bool = False
    """Whether handlers that could be shared run for each consumer, to be compared."""

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
        self._check_server_name()

    def core_options(self) -> dict[str, Any]:
        """Return the keywords of `_core.Server` that are settings, not made while starting."""
        options = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _OF_THE_SHIM}
        options["server_header"] = options.pop("server_name")
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
        if self.lifespan not in ("auto", "on", "off"):
            raise ConfigError(f"lifespan must be auto, on or off, not {self.lifespan!r}")

    def _check_slow_consumer(self) -> None:
        policies = get_args(SlowConsumerPolicy)
        if self.slow_consumer not in policies:
            raise ConfigError(
                f"slow_consumer must be one of {', '.join(policies)}, not {self.slow_consumer!r}"
            )

    def _check_server_name(self) -> None:
        name = self.server_name
        if name is not None and not (name and name.isascii() and name.isprintable()):
            raise ConfigError(f"server_name must be printable ASCII text or None, not {name!r}")
