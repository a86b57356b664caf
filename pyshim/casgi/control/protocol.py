"""What is said on a control socket: one line of JSON each way, and who may speak there.

A request is {"command": NAME, "arguments": {...}}. Its answer is {"rows": [...], "silent": [...]},
`silent` naming the workers that have not answered and why, or {"error": TEXT}.
"""

import json
import os
import socket
import struct
from typing import Any, TypeAlias

from casgi.errors import CasgiError, ConfigError

Arguments: TypeAlias = dict[str, Any]
Row: TypeAlias = dict[str, Any]
Answer: TypeAlias = dict[str, Any]

LONGEST_LINE = 64 * 1024 * 1024
# Linux: pid, uid and gid of who has connected.
_CREDENTIALS = struct.Struct("3i")


class ControlError(CasgiError):
    """What is asked for cannot be done; the text says why."""


def check_path(name: str, path: str) -> None:
    """Raise ConfigError for a path that is none, or that no unix socket can have."""
    if not path:
        raise ConfigError(f"{name} must be the path of a unix socket")
    if len(os.fsencode(path)) > 107:
        raise ConfigError(f"{name} is too long for a unix socket: {path}")


def encode(message: dict[str, Any]) -> bytes:
    """Return a message as its line."""
    return json.dumps(message).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """Return the message of a line; raise ControlError for anything else."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise ControlError("a request is one line of JSON") from None
    if not isinstance(message, dict):
        raise ControlError("a request is an object of JSON")
    return message


def peer_of(connected: socket.socket) -> tuple[int, int]:
    """Return the PID and the user of who has connected to a unix socket."""
    size = _CREDENTIALS.size
    pid, uid, _ = _CREDENTIALS.unpack(
        connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    )
    return pid, uid


def is_owner(uid: int) -> bool:
    """Whether a user may look into this process and change it: its own, and root."""
    return uid in (os.geteuid(), 0)
