"""The server of a process that another one reloads: it serves on sockets that it inherits."""

import asyncio
import os
import pickle
import signal
import socket
import sys
from typing import Any

from casgi.config import Config
from casgi.forks import leave_inherited_to_parent
from casgi.reloading.child import VARIABLE
from casgi.server import Server
from casgi.sockets import BoundSocket
from casgi.supervisor.handover import InheritedSocket
from casgi.supervisor.worker_signals import pass_over

_MOST = 64 * 1024


class ReloadedServer(Server):
    """Serves until it is stopped, or the process that reloads it has gone."""

    # A terminal sends SIGINT to both, and the other makes a SIGTERM of it.
    _stop_signals = (signal.SIGTERM,)

    def __init__(
        self, application: Any, config: Config, sockets: list[BoundSocket], channel: socket.socket
    ) -> None:
        """Take what the process inherits."""
        super().__init__(application, config)
        self._inherited = sockets
        self._channel = channel

    async def stop(self) -> None:
        """Stop as any server, and let go of the channel."""
        await super().stop()
        if self._channel.fileno() != -1:
            asyncio.get_running_loop().remove_reader(self._channel)
            self._channel.close()

    def _bind(self) -> list[BoundSocket]:
        return self._inherited

    def _start_hub(self) -> None:
        """Leave it to the process that reloads this one."""

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
    if descriptor is None:
        return None
    # It was blocked until now; what the application starts would inherit that.
    pass_over(signal.SIGINT)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    return socket.socket(fileno=int(descriptor))


def inherited_sockets(channel: socket.socket) -> list[BoundSocket]:
    """Return the sockets to serve on, waiting until it is time to; exit if it will never be."""
    message = channel.recv(_MOST)
    if not message:
        channel.close()
        sys.exit()
    inherited: list[InheritedSocket] = pickle.loads(message)
    descriptors = (channel.fileno(), *(each.descriptor for each in inherited))
    for descriptor in descriptors:
        # What the application starts gets none of them.
        os.set_inheritable(descriptor, False)
    leave_inherited_to_parent(descriptors)
    return [each.adopt() for each in inherited]
