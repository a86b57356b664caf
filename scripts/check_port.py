"""Ends with a hint when a port of 127.0.0.1 is taken, before anything is built to listen there.

scripts/check_port.py 8000
"""

import errno
import socket
import sys


def main(text: str) -> str | None:
    """Return what is wrong with the port, or None."""
    if not text.isdecimal() or not 0 < int(text) < 65536:
        return f"PORT={text} is no port; take a number from 1 to 65535, as in: make chat PORT=8080"
    try:
        socket.create_server(("127.0.0.1", int(text))).close()
    except OSError as error:
        if error.errno == errno.EACCES:
            return f"Port {text} is for root only. Take another one: make chat PORT=8080"
        return f"Port {text} of 127.0.0.1 is taken. Take another one: make chat PORT={_free_port()}"
    return None


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
