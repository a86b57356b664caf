"""The other end of a control socket: asks, and says in plain words why there is no answer."""

import contextlib
import pwd
import socket
from os import geteuid
from pathlib import Path
from typing import Any

from casgi.control.protocol import (
    Answer,
    Arguments,
    ControlError,
    decode,
    encode,
    is_owner,
    peer_of,
)

_SECONDS = 15.0


class ControlClient:
    """A connection to a server's control socket. Closed by close()."""

    def __init__(self, path: str) -> None:
        """Connect; raise ControlError."""
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(_SECONDS)
        try:
            self._socket.connect(path)
            _, uid = peer_of(self._socket)
            if not is_owner(uid) and geteuid() != 0:
                raise ControlError(f"{path} is served by user {_user(uid)}, not by you")
        except OSError as error:
            self._socket.close()
            raise ControlError(_why(path, error)) from None
        except ControlError:
            self._socket.close()
            raise
        self._lines = self._socket.makefile("rb")

    def ask(self, command: str, arguments: Arguments | None = None) -> Answer:
        """Return the answer; raise ControlError, with the server's reason or why there is none."""
        try:
            self._socket.sendall(encode({"command": command, "arguments": arguments or {}}))
            line = self._lines.readline()
        except TimeoutError:
            raise ControlError(f"the server at {self._path} does not answer") from None
        except OSError as error:
            raise ControlError(f"the server at {self._path} has gone: {error.strerror}") from None
        if not line:
            raise ControlError(
                f"the server at {self._path} has gone, or is being upgraded: ask again"
            )
        answer: dict[str, Any] = decode(line)
        if "error" in answer:
            raise ControlError(answer["error"])
        return answer

    def interrupt(self) -> None:
        """Let an ask() of another thread end, with ControlError, and all that follow."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection. Can be called again."""
        self._lines.close()
        self._socket.close()


def ask(path: str, command: str, arguments: Arguments | None = None) -> Answer:
    """Ask once; as ControlClient.ask()."""
    client = ControlClient(path)
    try:
        return client.ask(command, arguments)
    finally:
        client.close()


def _why(path: str, error: OSError) -> str:
    """Return why a socket cannot be connected to, and what to do."""
    # What has refused may have gone since, as a server's that makes way for another.
    if isinstance(error, ConnectionRefusedError) and Path(path).exists():
        if not Path(path).is_socket():
            return f"{path} is no socket"
        return f"nobody answers at {path}: the server has ended without removing it"
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return f"there is no control socket {path}: does the server run, with --control {path}?"
    if isinstance(error, PermissionError):
        return f"{path} is {_owner(path)}'s: only that user and root may control the server"
    return f"cannot connect to {path}: {error.strerror or error}"


def _owner(path: str) -> str:
    try:
        return _user(Path(path).stat().st_uid)
    except OSError:
        return "another user"


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
