"""The server of a process that another one reloads: it serves on sockets that it inherits."""

import asyncio
import os
import pickle
import socket
import sys
from typing import Any

from casgi.config import Config
from casgi.reloading.child import VARIABLE
from casgi.server import Server
from casgi.sockets import BoundSocket
from casgi.supervisor.handover import InheritedSocket

_MOST = 64 * 1024


class ReloadedServer(Server):
    """Serves until it is stopped, or the process that reloads it has gone."""

    def __init__(
        self, application: Any, config: Config, sockets: list[BoundSocket], channel: socket.socket
    ) -> None:
        """Take what the process inherits."""
        super().__init__(application, config)
        self._inherited = sockets
        self._channel = channel

    def _bind(self) -> list[BoundSocket]:
        return self._inherited

    async def _before_listening(self) -> None:
        self._channel.setblocking(False)
        self._channel.send(b"r")
        loop = asyncio.get_running_loop()
        loop.add_reader(self._channel, self._on_end_of_channel)

    def _on_end_of_channel(self) -> None:
        asyncio.get_running_loop().remove_reader(self._channel)
        self.request_stop()


def inherited_channel() -> socket.socket | None:
    """Return the channel to the process that reloads this one; None if there is none."""
    descriptor = os.environ.pop(VARIABLE, None)
    return None if descriptor is None else socket.socket(fileno=int(descriptor))


def inherited_sockets(channel: socket.socket) -> list[BoundSocket]:
    """Return the sockets to serve on, waiting until it is time to; exit if it will never be."""
    message = channel.recv(_MOST)
    if not message:
        sys.exit()
    inherited: list[InheritedSocket] = pickle.loads(message)
    for descriptor in (channel.fileno(), *(each.descriptor for each in inherited)):
        # What the application starts gets none of them.
        os.set_inheritable(descriptor, False)
    return [each.adopt() for each in inherited]
