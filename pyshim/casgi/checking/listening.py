"""Whether the sockets can be had, and their certificates used."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from casgi.checking.findings import Finding
from casgi.config import Config
from casgi.endpoints import DescriptorEndpoint, SslEndpoint, SystemdEndpoint, parse_endpoint
from casgi.errors import BindError, ConfigError
from casgi.sockets import bind_sockets
from casgi.tls import TlsAcceptor, TlsSettings

_DAY = 86400
_SOON = 30 * _DAY


def check_listening(config: Config) -> Iterator[Finding]:
    """Bind what can be bound without listening, and read the certificates."""
    inherited = [each for each in config.endpoints if _is_inherited(each)]
    others = tuple(each for each in config.endpoints if each not in inherited)
    if config.fd is not None or inherited:
        yield Finding("ok", "sockets", "those that are inherited cannot be looked at from here")
    is_by_default = not (config.endpoints or config.unix_socket or config.fd is not None)
    if is_by_default or others or config.unix_socket or config.bind or config.port is not None:
        yield _bind(replace(config, fd=None, endpoints=others))
    yield from _check_certificates(config)


def _is_inherited(endpoint: str) -> bool:
    return isinstance(parse_endpoint(endpoint), DescriptorEndpoint | SystemdEndpoint)


def _bind(config: Config) -> Finding:
    try:
        sockets = bind_sockets(config)
    except BindError as error:
        if "in use" in str(error):
            remedy = "that is as it should be if it is the server that this one shall replace"
            return Finding("warning", "sockets", str(error), remedy)
        return Finding("error", "sockets", str(error))
    except ConfigError as error:
        return Finding("error", "options", str(error))
    names = ", ".join(str(bound) for bound in sockets)
    for bound in sockets:
        bound.close()
    return Finding("ok", "sockets", f"can listen on {names}")


def _check_certificates(config: Config) -> Iterator[Finding]:
    found: list[TlsSettings | None] = []
    with contextlib.suppress(ConfigError):  # It is reported by the sockets.
        found.append(config.tls_settings())
    parsed = [parse_endpoint(each) for each in config.endpoints]
    found += [each.settings for each in parsed if isinstance(each, SslEndpoint)]
    for settings in found:
        if settings is not None:
            yield _check_certificate(settings)


def _check_certificate(settings: TlsSettings) -> Finding:
    names = ", ".join(each.certfile for each in settings.certificates)
    try:
        left = TlsAcceptor(settings).core.expires_in()
    except ConfigError as error:
        return Finding("error", "certificates", str(error))
    if left < 0:
        return Finding("error", "certificates", f"has expired: one of {names}", "renew it")
    days = f"{left // _DAY} days"
    if left < _SOON:
        return Finding("warning", "certificates", f"expires in {days}: one of {names}", "renew it")
    return Finding("ok", "certificates", f"{names}: used with their keys, valid for {days}")
