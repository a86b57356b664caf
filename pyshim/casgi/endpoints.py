r"""Where to listen, in the strings that daphne's -e takes: Twisted's endpoint descriptions.

A kind and its arguments, separated by colons, each in its place or as key=value:
"tcp:8000:interface=127.0.0.1", "ssl:443:privateKey=key.pem:certKey=certificate.pem",
"unix:/run/site.socket:mode=660", "fd:fileno=3", "systemd:domain=INET:index=0". A backslash takes
the next character as it is: "interface=\:\:1".
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from casgi.errors import ConfigError
from casgi.tls import Certificate, TlsSettings, TlsVersion
from casgi.unix_sockets import check_mode

SYSTEMD_FIRST_DESCRIPTOR = 3
"""The first one that systemd passes: SD_LISTEN_FDS_START of sd_listen_fds(3)."""

_NOT_SUPPORTED = {
    "tls": "write ssl:443:privateKey=key.pem:certKey=certificate.pem",
    "haproxy": "the PROXY protocol is not there yet: let the proxy send X-Forwarded-For,"
    " and use --proxy-headers",
    "stdio": "a server of several clients cannot listen on standard input",
    "onion": "let Tor's HiddenServicePort lead to a tcp or unix endpoint",
}
# Twisted's "sslmethod": each of them negotiates the newest version that both sides speak.
_TLS_VERSIONS: dict[str, TlsVersion] = {
    "SSLv23_METHOD": "1.2",
    "TLS_METHOD": "1.2",
    "TLSv1_2_METHOD": "1.2",
    "TLSv1_3_METHOD": "1.3",
}
# What makes an address of IPv6 look like several arguments.
_COLONS = "a colon within one is written \\:"


@dataclass(frozen=True, slots=True)
class TcpEndpoint:
    """A TCP port on an address, "" for every one of IPv4."""

    port: int
    interface: str = ""
    backlog: int | None = None


@dataclass(frozen=True, slots=True)
class SslEndpoint:
    """A TCP port on which TLS is spoken."""

    tcp: TcpEndpoint
    settings: TlsSettings


@dataclass(frozen=True, slots=True)
class UnixEndpoint:
    """A socket file to make, with its permissions."""

    path: str
    mode: int = 0o666
    backlog: int | None = None


@dataclass(frozen=True, slots=True)
class DescriptorEndpoint:
    """An inherited socket."""

    fileno: int


@dataclass(frozen=True, slots=True)
class SystemdEndpoint:
    """A socket that systemd passes, by its place among them or by its FileDescriptorName."""

    index: int | None = None
    name: str | None = None

    def fileno(self) -> int:
        """Return the descriptor; raise ConfigError if systemd has not passed it to us."""
        count = passed_by_systemd()
        names = os.environ.get("LISTEN_FDNAMES", "").split(":") if self.name is not None else []
        index = names.index(self.name) if self.name in names else self.index
        if index is None or index >= count:
            wanted = f"index {self.index}" if self.name is None else f"name {self.name!r}"
            raise ConfigError(f"systemd has passed {count} sockets (LISTEN_FDS), none of {wanted}")
        return SYSTEMD_FIRST_DESCRIPTOR + index


def passed_by_systemd() -> int:
    """Return how many sockets systemd has passed to this process."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return 0
    return _whole_number("LISTEN_FDS", os.environ.get("LISTEN_FDS", ""))


Endpoint: TypeAlias = (
    TcpEndpoint | SslEndpoint | UnixEndpoint | DescriptorEndpoint | SystemdEndpoint
)


def parse_endpoint(description: str) -> Endpoint:
    """Return what an endpoint string says; raise ConfigError for one that cannot be served."""
    values, named = _split(description)
    kind = values.pop(0).lower() if values else ""
    try:
        if kind in _NOT_SUPPORTED:
            raise ConfigError(_NOT_SUPPORTED[kind])
        if kind not in _KINDS:
            known = ", ".join(sorted(_KINDS))
            raise ConfigError(f"{kind!r} is no kind of endpoint: there are {known}")
        names, make = _KINDS[kind]
        return make(_arguments(names, values, named))
    except ConfigError as error:
        raise ConfigError(f"endpoint {description!r}: {error}") from None


def _split(description: str) -> tuple[list[str], dict[str, str]]:
    """Return the arguments in their places, and those with a name."""
    values: list[str] = []
    named: dict[str, str] = {}
    for argument in _parts(description):
        if len(argument) == 1:
            values.append(argument[0])
        else:
            named[argument[0]] = argument[1]
    return values, named


def _parts(description: str) -> list[list[str]]:
    """Return for each argument [value] or [name, value], with the escapes undone."""
    parts = [[""]]
    characters = iter(description)
    for character in characters:
        if character == ":":
            parts.append([""])
        elif character == "=" and len(parts[-1]) == 1:
            parts[-1].append("")
        elif character == "\\":
            parts[-1][-1] += next(characters, "")
        else:
            parts[-1][-1] += character
    return parts


def _arguments(names: list[str], values: list[str], named: dict[str, str]) -> dict[str, str]:
    """Return the arguments by name; `names` are those of the places, "!" behind a needed one."""
    known = [name.rstrip("!") for name in names]
    if len(values) > len(known):
        raise ConfigError(
            f"{len(values)} values are too many: it takes {', '.join(known)}; {_COLONS}"
        )
    given = dict(zip(known, values, strict=False))
    for name, value in named.items():
        if name not in known:
            raise ConfigError(f"{name!r} is not an argument of it: it takes {', '.join(known)}")
        if name in given:
            raise ConfigError(f"{name} is given twice; {_COLONS}")
        given[name] = value
    for name in names:
        if name.endswith("!") and not given.get(name[:-1]):
            raise ConfigError(f"{name[:-1]} is missing")
    return given


def _tcp(given: dict[str, str]) -> TcpEndpoint:
    port = _whole_number("port", given["port"])
    if port > 65535:
        raise ConfigError(f"port must be from 0 to 65535, not {port}")
    interface = given.get("interface", "").removeprefix("[").removesuffix("]")
    return TcpEndpoint(port, interface, _backlog(given))


def _tcp6(given: dict[str, str]) -> TcpEndpoint:
    return _tcp({"interface": "::", **given})


def _ssl(given: dict[str, str]) -> SslEndpoint:
    key = given.get("privateKey", "server.pem")
    certificate = Certificate(given.get("certKey", key), key, chainfile=given.get("extraCertChain"))
    method = given.get("sslmethod", "SSLv23_METHOD")
    if method not in _TLS_VERSIONS:
        raise ConfigError(f"sslmethod must be one of {', '.join(_TLS_VERSIONS)}, not {method}")
    return SslEndpoint(
        _tcp(given), TlsSettings((certificate,), minimum_version=_TLS_VERSIONS[method])
    )


def _unix(given: dict[str, str]) -> UnixEndpoint:
    mode = given.get("mode", "666")
    check_mode("mode", mode)
    if given.get("lockfile", "1") not in ("0", "1"):
        raise ConfigError(f"lockfile must be 0 or 1, not {given['lockfile']!r}")
    return UnixEndpoint(given["address"], int(mode, 8), _backlog(given))


def _fd(given: dict[str, str]) -> DescriptorEndpoint:
    return DescriptorEndpoint(_whole_number("fileno", given["fileno"]))


def _systemd(given: dict[str, str]) -> SystemdEndpoint:
    domain, index, name = given["domain"], given.get("index"), given.get("name")
    if (index is None) == (name is None):
        raise ConfigError("either index or name must be given")
    if domain not in ("INET", "INET6", "UNIX"):
        raise ConfigError(f"domain must be INET, INET6 or UNIX, not {domain!r}")
    return SystemdEndpoint(None if index is None else _whole_number("index", index), name)


def _backlog(given: dict[str, str]) -> int | None:
    backlog = given.get("backlog")
    return None if backlog is None else _whole_number("backlog", backlog)


def _whole_number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ConfigError(f"{name} must be a whole number, not {text!r}")
    return int(text)


# The arguments in the order of their places, and who reads them.
_KINDS: dict[str, tuple[list[str], Callable[[dict[str, str]], Endpoint]]] = {
    "tcp": (["port!", "interface", "backlog"], _tcp),
    "tcp6": (["port!", "backlog", "interface"], _tcp6),
    "ssl": (
        [
            "port!",
            "privateKey",
            "certKey",
            "sslmethod",
            "interface",
            "backlog",
            "extraCertChain",
            "dhParameters",
        ],
        _ssl,
    ),
    "unix": (["address!", "mode", "backlog", "lockfile"], _unix),
    "fd": (["fileno!", "domain"], _fd),
    "systemd": (["domain!", "index", "name"], _systemd),
}
