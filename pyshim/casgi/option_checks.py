"""What single options may be, beyond their kinds: each raises ConfigError for anything else."""

import ipaddress
import os
import re
from typing import Any

from casgi import _core
from casgi.command_hints import NO_LOG, split_host_and_port
from casgi.endpoints import parse_endpoint
from casgi.errors import ConfigError
from casgi.status.answering import parse_address

# RFC 9110 section 5.6.2; names with an underscore never reach an application.
_HEADER_NAME = re.compile(r"[-!#$%&'*+.^`|~0-9A-Za-z]{1,63}")

# Segments of a path that need no percent-encoding and do not begin with a dot.
_STATIC_URL = re.compile(r"/|(/[-_~!$&'()*+,;:@0-9A-Za-z][-._~!$&'()*+,;:@0-9A-Za-z]*)+/?")


def not_empty(name: str, text: str) -> None:
    """Take any text but the empty one."""
    if text == "":
        raise ConfigError(f"{name} must not be empty")


def host(name: str, text: str) -> None:
    """Take a host or an address, without a port."""
    not_empty(name, text)
    if text.startswith("unix:"):
        raise ConfigError(f"{name} is a host or address: for a path write --unix-socket {text[5:]}")
    if split := split_host_and_port(text):
        raise ConfigError(
            f"{name} is a host or address without a port: write --bind {split[0]} --port {split[1]}"
        )


def log_file(name: str, text: str) -> None:
    """Take the path of a file, and no word for nothing."""
    if text.lower() in NO_LOG:
        raise ConfigError(f"{name} is a file, not {text!r}: for none write --no-access-log")


def port(name: str, port: int) -> None:
    """Take a TCP port, 0 included."""
    if not 0 <= port <= 65535:
        raise ConfigError(f"{name} must be from 0 to 65535, not {port!r}")


def descriptor(name: str, fd: int) -> None:
    """Take a file descriptor."""
    if fd < 0:
        raise ConfigError(f"{name} must be a file descriptor, not {fd!r}")


def endpoints(name: str, endpoints: Any) -> None:
    """Take the strings that casgi.endpoints reads."""
    if isinstance(endpoints, str):
        raise ConfigError(f"{name} must be a tuple of texts, not {endpoints!r}")
    for endpoint in endpoints:
        parse_endpoint(endpoint)


def status_address(name: str, text: str) -> None:
    """Take what the status server listens on."""
    parse_address(text)


def files(name: str, paths: Any) -> None:
    """Take paths."""
    if isinstance(paths, str) or not all(isinstance(path, str) and path for path in paths):
        raise ConfigError(f"{name} must be a tuple of paths, not {paths!r}")


def static(name: str, mounts: Any) -> None:
    """Take the texts that static_mount() reads, of folders that are there."""
    if isinstance(mounts, str) or not all(isinstance(mount, str) for mount in mounts):
        raise ConfigError(f'{name} must be a tuple of texts "URL=DIR", not {mounts!r}')
    for mount in mounts:
        _, folder, _ = static_mount(mount)
        try:
            os.listdir(folder)
        except OSError as error:
            raise ConfigError(f"{name} cannot serve {folder}: {error.strerror}") from None


def static_mount(text: str) -> tuple[str, str, bool]:
    """Return the URL with its slash, the folder, and whether the application has what is not there.

    Under "/" it has, for all its URLs are there. Raises ConfigError.
    """
    url, separator, folder = text.partition("=")
    if not (separator and folder):
        raise ConfigError(f"static is a URL and a folder, as /static/=staticfiles, not {text!r}")
    if not _STATIC_URL.fullmatch(url):
        raise ConfigError(
            f"static has the path of a URL before the =, as /static/, without host, dots and "
            f"percent signs, not {url!r}"
        )
    url = url if url.endswith("/") else f"{url}/"
    return url, folder, url == "/"


def access_log_format(name: str, text: str) -> None:
    """Take what the core can write."""
    try:
        _core.check_access_log_format(text)
    except (TypeError, ValueError) as error:
        raise ConfigError(str(error)) from None


def networks(name: str, text: str) -> None:
    """Take addresses and networks."""
    canonical_networks(text, name)


def header_name(name: str, header: str) -> None:
    """Take the name of a header."""
    if not _HEADER_NAME.fullmatch(header):
        raise ConfigError(f"{name} must be the name of a header, not {header!r}")


def header_value(name: str, text: str) -> None:
    """Take what can stand in a header."""
    if not (text and text.isascii() and text.isprintable()):
        raise ConfigError(f"{name} must be printable ASCII text or None, not {text!r}")


def canonical_networks(text: str, name: str = "trusted_proxies") -> str:
    """Return addresses and networks as the core reads them; raise ConfigError for anything else."""
    if text.strip() == "*":
        return "*"
    try:
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return ",".join(str(ipaddress.ip_network(part, strict=False)) for part in parts)
    except ValueError as error:
        raise ConfigError(f'{name} must be addresses, networks or "*": {error}') from None
