"""What a worker gets from its supervisor when it is started.

The options are those of the same command line and environment, which the worker reads itself. What
cannot be read there, the sockets above all, comes over the socket whose descriptor VARIABLE names:
one pickled Handover, whose descriptors are inherited under the same numbers. The same socket then
is their channel.
"""

import os
import pickle
import socket
import struct
from dataclasses import dataclass, fields
from typing import Any

from casgi import __version__
from casgi.errors import ConfigError
from casgi.forks import leave_inherited_to_parent
from casgi.sockets import BoundSocket
from casgi.supervisor.stack_signal import write_stacks_at_signal
from casgi.supervisor.worker_signals import let_signals_come
from casgi.tls import TicketSecret

VARIABLE = "CASGI_WORKER"
"""Of the environment: "DESCRIPTOR:VERSION" of the supervisor that has started this process."""

_LENGTH = struct.Struct("!I")
# What stands for the socket, and what only its owner may have.
_NOT_INHERITED = ("socket", "unix_file")


@dataclass(frozen=True, slots=True)
class InheritedSocket:
    """A listening socket of the supervisor, as a worker gets it."""

    descriptor: int
    settings: dict[str, Any]
    """The other fields of BoundSocket."""

    @classmethod
    def of(cls, bound: BoundSocket) -> "InheritedSocket":
        """Return how to hand over a socket."""
        names = [field.name for field in fields(bound) if field.name not in _NOT_INHERITED]
        return cls(bound.socket.fileno(), {name: getattr(bound, name) for name in names})

    def adopt(self) -> BoundSocket:
        """Return the socket in the worker, which closes its own descriptor and no file."""
        return BoundSocket(socket.socket(fileno=self.descriptor), **self.settings)


@dataclass(frozen=True, slots=True)
class Handover:
    """Everything that one worker inherits."""

    seat: int
    """The worker's number, which its successor has too."""
    slot: int
    """Where it writes on the scoreboard."""
    sockets: tuple[InheritedSocket, ...]
    tickets: TicketSecret
    scoreboard: int
    receiving: int
    """What other workers pass to its seat comes here."""
    sending: tuple[int, ...]
    """Where to pass to, for each seat."""

    def descriptors(self) -> list[int]:
        """Return every descriptor in it."""
        listening = [each.descriptor for each in self.sockets]
        return [*listening, self.scoreboard, self.receiving, *self.sending]

    def send(self, channel: socket.socket) -> None:
        """Write it to a worker that is about to start; it fits into the socket's buffer."""
        text = pickle.dumps(self)
        channel.sendall(_LENGTH.pack(len(text)) + text)


def variable_for(channel: socket.socket) -> str:
    """Return the value of VARIABLE for a worker that inherits this end of its channel."""
    return f"{channel.fileno()}:{__version__}"


def take_handover() -> tuple[Handover, socket.socket] | None:
    """Return what this process inherits as a worker, and its channel; None if it is no worker.

    Raises ConfigError when another version of casgi has started it.
    """
    value = os.environ.pop(VARIABLE, None)
    if value is None:
        return None
    descriptor, _, version = value.partition(":")
    if version != __version__:
        raise ConfigError(
            f"the supervisor is casgi {version} and this is {__version__}: restart it"
        )
    write_stacks_at_signal()  # also while the application is imported
    let_signals_come()
    channel = socket.socket(fileno=int(descriptor))
    (length,) = _LENGTH.unpack(_receive(channel, _LENGTH.size))
    handover: Handover = pickle.loads(_receive(channel, length))
    # What the application starts gets none of them.
    descriptors = (channel.fileno(), *handover.descriptors())
    for each in descriptors:
        os.set_inheritable(each, False)
    leave_inherited_to_parent(descriptors)
    return handover, channel


def _receive(channel: socket.socket, length: int) -> bytes:
    received = channel.recv(length, socket.MSG_WAITALL)
    if len(received) < length:
        raise ConfigError("the supervisor has gone")
    return received
