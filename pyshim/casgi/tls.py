"""TLS of listening sockets: certificates read at the start, and again when their files change.

A change is noticed within RENEWAL_SECONDS, or at once by `renew()`. Connections keep the
certificate that they began with; new ones get the new one. Files that cannot be used, such as a
certificate that was written while its key was not yet, are reported once, and the old ones stay.
"""

import asyncio
import contextlib
import hmac
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass, field, fields
from typing import Any, Literal, TypeAlias

from casgi import _core
from casgi.errors import ConfigError

logger = logging.getLogger("casgi.tls")

RENEWAL_SECONDS = 10.0
"""How often the files are looked at; a certificate lives for weeks."""
_EXPIRY_WARNING_SECONDS = 7 * 86400

TlsVersion: TypeAlias = Literal["1.2", "1.3"]
CertReqs: TypeAlias = Literal["none", "optional", "required"]

_VERIFY: dict[CertReqs, int] = {"none": 0, "optional": 1, "required": 2}
_Stamp: TypeAlias = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate with its chain, and its key: files in PEM."""

    certfile: str
    keyfile: str | None = None
    """None: the key is in certfile too."""
    password: str | None = None
    """Of an encrypted key."""
    chainfile: str | None = None
    """Certificates between this one and a root, when they are in a file of their own."""


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """What a listening socket needs to speak TLS."""

    certificates: tuple[Certificate, ...]
    """By the host that a client names (SNI); the first for clients that name none."""
    ca_certs: str | None = None
    """File or folder of those who may sign clients' certificates."""
    cert_reqs: CertReqs = "none"
    """Whether clients have to show a certificate."""
    ciphers: str | None = None
    """Of TLS 1.2, in OpenSSL's words."""
    ocsp: tuple[str, ...] = ()
    """Responses of the certificates' authority to send along (DER), each about one of them."""
    minimum_version: TlsVersion = "1.2"
    http2: bool = True
    """Whether HTTP/2 is offered (ALPN)."""

    @classmethod
    def of(cls, values: dict[str, Any]) -> "TlsSettings":
        """Return what dataclasses.asdict() was made of, perhaps by another version."""
        certificates = tuple(Certificate(**each) for each in values["certificates"])
        known = {each.name: values[each.name] for each in fields(cls) if each.name in values}
        ocsp = tuple(values.get("ocsp", ()))
        return cls(**{**known, "certificates": certificates, "ocsp": ocsp})

    def files(self) -> Iterator[str]:
        """Yield the paths of all that is read."""
        for certificate in self.certificates:
            yield certificate.certfile
            for path in (certificate.keyfile, certificate.chainfile):
                if path is not None:
                    yield path
        if self.ca_certs is not None:
            yield self.ca_certs
            with contextlib.suppress(OSError):
                yield from sorted(entry.path for entry in os.scandir(self.ca_certs))
        yield from self.ocsp


@dataclass(frozen=True, slots=True)
class TicketSecret:
    """What the workers of a server have in common, so that each resumes the others' sessions."""

    secret: bytes = field(repr=False)
    since: int
    """Seconds since 1970 when it was new; the keys change with the time from then on."""

    @classmethod
    def new(cls) -> "TicketSecret":
        """Return a random one."""
        return cls(os.urandom(32), int(time.time()))

    def for_settings(self, settings: TlsSettings) -> bytes:
        """Return what follows for these: a session goes on only under those that it began with."""
        return hmac.digest(self.secret, repr(settings).encode(), "sha256")


class TlsAcceptor:
    """The certificates in use by one or more listening sockets."""

    def __init__(
        self,
        settings: TlsSettings,
        proxies: _core.ProxyAcceptor | None = None,
        tickets: "TicketSecret | None" = None,
    ) -> None:
        """Read the files; raise ConfigError when they cannot be used."""
        self.core = _core.TlsAcceptor(proxies)
        if tickets is not None:
            self.core.share_tickets(tickets.for_settings(settings), tickets.since)
        self._settings = settings
        self._stamp = self._stamp_now()
        try:
            self._load()
        except ValueError as error:
            raise ConfigError(str(error)) from None

    def renew_if_changed(self) -> None:
        """Read the files again if one of them is another one than the last time."""
        if self.has_changed():
            self.renew()

    def has_changed(self) -> bool:
        """Whether a file is another one than the last time; on any thread."""
        return self._stamp_now() != self._stamp

    def renew(self) -> None:
        """Read the files again. What is wrong with them is logged, and changes nothing."""
        self._stamp = self._stamp_now()
        try:
            self._load()
        except ValueError as error:
            logger.error("The certificates stay as they are: %s", error)
        else:
            logger.info("New certificates are in use: %s", self._names())

    def _load(self) -> None:
        settings = self._settings
        self.core.load(
            tuple(map(astuple, settings.certificates)),
            ca_certs=settings.ca_certs,
            verify=_VERIFY[settings.cert_reqs],
            ciphers=settings.ciphers,
            needs_tls_1_3=settings.minimum_version == "1.3",
            http2=settings.http2,
            ocsp=settings.ocsp,
        )
        self._warn_of_expiry()

    def _warn_of_expiry(self) -> None:
        left = self.core.expires_in()
        if left < 0:
            logger.warning("A certificate has expired, clients will refuse it: %s", self._names())
        elif left < _EXPIRY_WARNING_SECONDS:
            hours = left // 3600
            logger.warning("A certificate expires in %d hours: %s", hours, self._names())
        ocsp_left = self.core.ocsp_expires_in()
        if ocsp_left is not None and ocsp_left < 0:
            files = ", ".join(self._settings.ocsp)
            logger.warning("An OCSP response is out of date, clients get none: %s", files)

    def _names(self) -> str:
        return ", ".join(each.certfile for each in self._settings.certificates)

    def _stamp_now(self) -> _Stamp:
        """Return what changes when a file is written, or replaced by way of a link."""
        return tuple(_file_stamp(path) for path in self._settings.files())


class TlsAcceptors:
    """All the certificates of one server, and the thread that looks after them while it serves.

    A timer of the event loop would do, but with one asyncio computes in each turn how long to wait:
    a tenth of what a request costs.
    """

    def __init__(
        self,
        proxies: _core.ProxyAcceptor | None = None,
        tickets: TicketSecret | None = None,
    ) -> None:
        self._proxies = proxies
        self._tickets = tickets
        self._acceptors: dict[TlsSettings, TlsAcceptor] = {}
        self._ended = threading.Event()

    def get(self, settings: TlsSettings) -> TlsAcceptor:
        """Return the acceptor of these settings, made once; raise ConfigError as it does."""
        if settings not in self._acceptors:
            self._acceptors[settings] = TlsAcceptor(settings, self._proxies, self._tickets)
        return self._acceptors[settings]

    def watch(self) -> None:
        """Look at the files every RENEWAL_SECONDS until `close()`; renew in the running loop."""
        if self._acceptors:
            self._ended = threading.Event()
            arguments = (asyncio.get_running_loop(), self._ended)
            threading.Thread(
                target=self._look, args=arguments, name="casgi certificates", daemon=True
            ).start()

    def renew(self) -> None:
        """Read all files again."""
        for acceptor in self._acceptors.values():
            acceptor.renew()

    def close(self) -> None:
        """Stop looking at the files; can be called again."""
        self._ended.set()

    def _look(self, loop: asyncio.AbstractEventLoop, ended: threading.Event) -> None:
        # A signal that came to this thread would not interrupt what holds up the main one.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while not ended.wait(RENEWAL_SECONDS):
            for acceptor in self._acceptors.values():
                if acceptor.has_changed():
                    with contextlib.suppress(RuntimeError):  # The loop was closed meanwhile.
                        loop.call_soon_threadsafe(acceptor.renew_if_changed)


def _file_stamp(path: str) -> tuple[int, int, int] | None:
    with contextlib.suppress(OSError):
        found = os.stat(path)
        return found.st_ino, found.st_mtime_ns, found.st_size
    return None
