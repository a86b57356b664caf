"""The settings of one server: data only, checked when made.

Most of them are in workers_config.py and client_config.py.

The defaults are daphne's wherever daphne has the option. Times are seconds, and None is never.
csrc/README.md says how to add one.
"""

from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias

from casgi import option_checks as checks
from casgi.control.protocol import check_path
from casgi.errors import ConfigError
from casgi.options import (
    Section,
    choice,
    flag,
    is_set,
    number,
    option_of,
    seconds,
    text,
)
from casgi.tls import Certificate, TlsSettings
from casgi.unix_sockets import check_mode, check_owner
from casgi.workers_config import WorkersConfig

LifespanMode: TypeAlias = Literal["auto", "on", "off"]

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(WorkersConfig):
    """Everything that can be set, under the names that the command line uses too."""

    bind: str | None = text(
        None,
        Section.LISTENING,
        f"Host or address to listen on. [default: {DEFAULT_HOST}]",
        short="-b",
        checked_by=checks.host,
        is_of_core=False,
    )
    port: int | None = text(
        None,
        Section.LISTENING,
        f"TCP port; 0 lets the system choose. [default: {DEFAULT_PORT}]",
        short="-p",
        value_type=int,
        checked_by=checks.port,
        is_of_core=False,
    )
    unix_socket: str | None = text(
        None,
        Section.LISTENING,
        "Listen on a Unix socket of this path, or @name for one without a file.",
        short="-u",
        metavar="PATH",
        checked_by=checks.not_empty,
        is_of_core=False,
    )
    unix_socket_mode: str = text(
        "666",
        Section.LISTENING,
        "Permissions of that socket, octal.",
        metavar="MODE",
        checked_by=check_mode,
        is_of_core=False,
    )
    unix_socket_owner: str | None = text(
        None,
        Section.LISTENING,
        "Its owner: user, user:group or :group.",
        metavar="OWNER",
        checked_by=check_owner,
        is_of_core=False,
    )
    fd: int | None = text(
        None,
        Section.LISTENING,
        "Listen on an inherited file descriptor.",
        value_type=int,
        checked_by=checks.descriptor,
        is_of_core=False,
    )
    endpoints: tuple[str, ...] = text(
        (),
        Section.LISTENING,
        'Listen here too, as Twisted writes it: "tcp:8000:interface=127.0.0.1". Repeatable.',
        short="-e",
        name="--endpoint",
        metavar="STRING",
        is_repeatable=True,
        checked_by=checks.endpoints,
        is_of_core=False,
    )
    root_path: str = text("", Section.APPLICATION, "The ASGI root_path.", metavar="PATH")
    lifespan: LifespanMode = choice(
        "auto",
        Section.APPLICATION,
        "Whether to run the application's lifespan; auto goes on without if it has none.",
        LifespanMode,
        is_of_core=False,
    )
    static: tuple[str, ...] = text(
        (),
        Section.STATIC,
        "Serve the files of a folder under a URL, before the application. Repeatable.",
        metavar="URL=DIR",
        is_repeatable=True,
        checked_by=checks.static,
        is_of_core=False,
    )
    static_max_age: float | None = seconds(
        60.0,
        Section.STATIC,
        "How long clients keep them without asking; those with a hash in their name a year.",
    )
    static_allow_all_origins: bool = flag(
        False,
        Section.STATIC,
        "Let pages of other origins read them, as fonts must be for a CDN.",
    )
    accelerate: bool = flag(
        True,
        Section.CHANNELS,
        "Whether casgi stands in for Channels' dispatch and layers, and Django's threads.",
        has_opposite=True,
        is_of_core=False,
    )
    threads: int = number(
        0,
        Section.CHANNELS,
        "Most threads for sync code of Django's requests, which wait for one; 0 is no limit.",
        least=0,
        is_of_core=False,
    )
    verify_shared: bool = flag(
        False,
        Section.CHANNELS,
        "For staging: run shareable handlers for each consumer too, and report differences.",
        is_of_core=False,
    )
    access_log: str | None = text(
        None,
        Section.LOGS,
        "File to append the access log to, - for standard output.",
        metavar="FILE",
        checked_by=checks.log_file,
        is_of_core=False,
    )
    access_log_format: str = text(
        "ncsa",
        Section.LOGS,
        "ncsa, combined, json, or a text with fields: '{client} {request} {status} {duration}'.",
        metavar="FORMAT",
        checked_by=checks.access_log_format,
    )
    metrics: str | None = text(
        None,
        Section.LOGS,
        "HOST:PORT, PORT or unix:PATH that answers /metrics for Prometheus, /health and /ready.",
        metavar="ADDRESS",
        checked_by=checks.status_address,
        is_of_core=False,
    )
    control: str | None = text(
        None,
        Section.LOGS,
        "Unix socket for `casgi ctl`, which only its owner may open.",
        metavar="PATH",
        checked_by=check_path,
        is_of_core=False,
    )
    reload: bool = flag(
        False,
        Section.DEVELOPMENT,
        "Serve the application anew when one of its files changes; needs watchfiles.",
        is_of_core=False,
    )
    reload_dir: tuple[str, ...] = text(
        (),
        Section.DEVELOPMENT,
        "Folder to watch, with those in it, instead of the current one. Repeatable.",
        metavar="PATH",
        is_repeatable=True,
        checked_by=checks.files,
        is_of_core=False,
    )
    reload_include: tuple[str, ...] = text(
        (),
        Section.DEVELOPMENT,
        "Pattern of further files to watch, beside *.py: '*.html'. Repeatable.",
        metavar="GLOB",
        is_repeatable=True,
        is_of_core=False,
    )
    reload_exclude: tuple[str, ...] = text(
        (),
        Section.DEVELOPMENT,
        "Pattern of files, or folder, that is not watched. Repeatable.",
        metavar="GLOB",
        is_repeatable=True,
        is_of_core=False,
    )

    def __post_init__(self) -> None:
        for each in fields(self):
            option_of(each).check(each.name, getattr(self, each.name))
        self.check_hub()
        for name in ("proxy_headers_host", "proxy_headers_port"):
            if is_set(self, name) and not self.proxy_headers:
                raise ConfigError(f"{name} has no effect without proxy_headers")
        for name in ("unix_socket_mode", "unix_socket_owner"):
            path = self.unix_socket
            if is_set(self, name) and (path is None or path.startswith("@")):
                raise ConfigError(f"{name} has no effect without a unix_socket that is a file")
        if self.forwarded and self.proxy_headers:
            raise ConfigError("give forwarded or proxy_headers: a proxy sets one kind of header")
        if self.forwarded_host and not (self.forwarded or self.proxy_headers):
            raise ConfigError("forwarded_host has no effect without proxy_headers or forwarded")

    def _check_tls(self) -> None:
        if self.ssl_keyfile and len(self.ssl_keyfile) != len(self.ssl_certfile):
            keys, certificates = len(self.ssl_keyfile), len(self.ssl_certfile)
            raise ConfigError(
                f"ssl_keyfile is given {keys} times, and ssl_certfile {certificates} times"
            )
        for name in ("ssl_keyfile_password", "ssl_ca_certs", "ssl_ciphers", "ssl_ocsp"):
            if is_set(self, name) and not self.ssl_certfile:
                raise ConfigError(f"{name} has no effect without ssl_certfile")

    def tls_settings(self) -> TlsSettings | None:
        """Return how `bind`, `port` and `fd` speak TLS, None if they do not; raise ConfigError."""
        self._check_tls()
        if not self.ssl_certfile:
            return None
        keyfiles = self.ssl_keyfile or (None,) * len(self.ssl_certfile)
        return TlsSettings(
            tuple(
                Certificate(certfile, keyfile, self.ssl_keyfile_password)
                for certfile, keyfile in zip(self.ssl_certfile, keyfiles, strict=True)
            ),
            ca_certs=self.ssl_ca_certs,
            cert_reqs=self.ssl_cert_reqs,
            ciphers=self.ssl_ciphers,
            ocsp=self.ssl_ocsp,
            minimum_version=self.ssl_minimum_version,
        )

    def core_options(self) -> dict[str, Any]:
        """Return the keywords of `_core.Server` that are settings, not made while starting."""
        options = {f.name: getattr(self, f.name) for f in fields(self) if option_of(f).is_of_core}
        options["server_header"] = options.pop("server_name")
        options["trusted_proxies"] = checks.canonical_networks(self.trusted_proxies)
        options["static_files"] = [checks.static_mount(mount) for mount in self.static]
        if self.proxy_headers:
            options["proxy_headers_host"] = self.proxy_headers_host or "X-Forwarded-For"
            options["proxy_headers_port"] = self.proxy_headers_port or "X-Forwarded-Port"
        return options
