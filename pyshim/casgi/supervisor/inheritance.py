"""What a supervisor leaves to the casgi that takes its place in the same process.

exec(2) keeps the process, its children, and the descriptors that may be inherited. What these are
is written down as JSON into memory whose descriptor VARIABLE names: numbers and texts, since who
reads it is of another version. What a version adds to it needs a default.
"""

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from casgi.config import Config
from casgi.errors import ConfigError
from casgi.options import Section, option_of
from casgi.sockets import BoundSocket
from casgi.tls import TicketSecret, TlsSettings
from casgi.unix_sockets import SocketFile

VARIABLE = "CASGI_UPGRADE"
"""Of the environment: the descriptor; "check" in front of it: only see whether it could be."""

_CHECK = "check "
_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Inheritance:
    """Everything that outlives the program, but for the environment and standard descriptors."""

    version: str
    """Of the casgi that leaves it."""
    format: int = _FORMAT
    listening: dict[str, Any]
    """The options that the sockets were made by: these are not bound anew."""
    worker_count: int
    """As the options say; there may be others, by SIGTTIN and SIGTTOU."""
    seats: int
    sockets: list[dict[str, Any]]
    tickets: dict[str, Any]
    socket_pairs: list[tuple[int, int]]
    scoreboard: dict[str, Any]
    workers: list[dict[str, Any]]
    restarts: int = 0
    status: dict[str, Any] | None = None
    """The address of --metrics, and the socket that listens there."""
    control: dict[str, Any] | None = None
    """The socket of --control: who asks meanwhile waits in its queue."""
    hub_folder: str | None = None
    """Of a hub for the workers alone, whose path is in the environment."""
    is_check: bool = field(default=False)

    def descriptors(self) -> Iterator[int]:
        """Yield every descriptor in it."""
        for each in (*self.sockets, *self.workers, self.scoreboard, self.status, self.control):
            if each is not None and each["descriptor"] is not None:
                yield each["descriptor"]
        for pair in self.socket_pairs:
            yield from pair

    def write(self) -> int:
        """Return the descriptor of new memory with all of it, which the next program inherits."""
        descriptor = os.memfd_create("casgi upgrade", 0)
        with open(descriptor, "w", closefd=False) as file:
            json.dump(asdict(self), file)
        return descriptor

    def check(self, config: Config) -> None:
        """Raise ConfigError if a supervisor of this version and config cannot go on with it."""
        if self.format != _FORMAT:
            raise ConfigError(f"casgi {self.version} and this one need a restart in between")
        if config.worker_count() < 2 or config.reload:
            raise ConfigError("without several workers there is no supervisor: restart it")
        now = listening_options(config)
        changed = [name for name in self.listening if self.listening[name] != now.get(name)]
        if changed:
            raise ConfigError(f"{', '.join(changed)} has changed, which needs a restart")


def take_inheritance() -> Inheritance | None:
    """Return what was left to this process; None if it was started anew."""
    value = os.environ.pop(VARIABLE, None)
    if value is None:
        return None
    with open(int(value.removeprefix(_CHECK))) as file:
        file.seek(0)
        left = json.load(file)
    known = {each.name for each in fields(Inheritance)}
    left = {name: item for name, item in left.items() if name in known}
    return Inheritance(**{**left, "is_check": value.startswith(_CHECK)})


def variable_for(descriptor: int, *, is_check: bool) -> str:
    """Return the value of VARIABLE."""
    return f"{_CHECK if is_check else ''}{descriptor}"


def listening_options(config: Config) -> dict[str, Any]:
    """Return the options that sockets are made by, as JSON has them."""
    sections = Section.LISTENING, Section.TLS
    names = [each.name for each in fields(config) if option_of(each).section in sections]
    options = {name: getattr(config, name) for name in (*names, "http2")}
    plain: dict[str, Any] = json.loads(json.dumps(options))
    return plain


def leave_socket(bound: BoundSocket) -> dict[str, Any]:
    """Write a listening socket down."""
    return {
        "descriptor": bound.socket.fileno(),
        "file": None if bound.unix_file is None else asdict(bound.unix_file),
        "backlog": bound.backlog,
        "tls": None if bound.tls is None else asdict(bound.tls),
    }


def inherit_socket(left: dict[str, Any]) -> BoundSocket:
    """Return the socket."""
    made = socket.socket(fileno=left["descriptor"])
    file = None if left.get("file") is None else SocketFile(**left["file"])
    tls = None if left["tls"] is None else TlsSettings.of(left["tls"])
    return BoundSocket(made, file, left["backlog"], tls)


def leave_tickets(tickets: TicketSecret) -> dict[str, Any]:
    """Write the secret of the session tickets down."""
    return {"secret": tickets.secret.hex(), "since": tickets.since}


def inherit_tickets(left: dict[str, Any]) -> TicketSecret:
    """Return the secret."""
    return TicketSecret(bytes.fromhex(left["secret"]), left["since"])
