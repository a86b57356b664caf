"""How clients speak to a server: over what, and with what extension."""

import enum
import os
import ssl
import subprocess
from pathlib import Path

from bench.errors import BenchError
from bench.programs import CACHE

WEBSOCKETS_A_CONNECTION = 100  # of HTTP/2
NEW_CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650"
    " -subj /CN=127.0.0.1 -keyout - -out -"
)


class Transport(enum.Enum):
    """What is between a server and its clients; the value is the WebSocket clients' option."""

    PLAIN = ""
    TLS = "--tls"
    DEFLATE = "--deflate"
    HTTP2 = f"--streams={WEBSOCKETS_A_CONNECTION}"


def certificate() -> Path:
    """Return a file with a certificate that nobody has signed, and its key."""
    made = CACHE / "certificate.pem"
    if made.exists():
        return made
    CACHE.mkdir(parents=True, exist_ok=True)
    unfinished = made.with_suffix(f".{os.getpid()}")
    try:
        text = subprocess.check_output(NEW_CERTIFICATE.split(), stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchError(f"openssl is needed for a certificate: {error}") from error
    unfinished.write_bytes(text)
    unfinished.replace(made)
    return made


def trusting() -> ssl.SSLContext:
    """Return the context of a client that takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
