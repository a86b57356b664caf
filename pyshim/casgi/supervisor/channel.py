"""The words that a supervisor and a worker tell each other, one a line.

Each end is read in its process's event loop. The end of the stream says that the other process has
gone, which no signal would say of a supervisor that was killed. After an upgrade the two are of
different versions: what one does not know it passes over.
"""

import asyncio
import enum
import socket
from collections.abc import Callable
from typing import Any


class ToWorker(enum.Enum):
    """What the supervisor asks for."""

    SERVE = "serve"
    """Accept connections: the sockets are listened on."""
    LEAVE = "leave"
    """Another one serves instead: end without losing a request."""
    STOP = "stop"
    """The whole server stops."""
    ABORT = "abort"
    """End what is left at once."""
    REOPEN_LOGS = "reopen logs"


class ToSupervisor(enum.Enum):
    """What the worker reports."""

    READY = "ready"
    """The application has started."""
    SERVING = "serving"
    """Connections are accepted: who comes now may come to this worker."""
    LEAVING = "leaving"
    """It ends by itself, and wants a successor."""


ZONE = "zone "
"""Before READY, and in front of a name: of the zone that the worker's local times have."""


class Channel(asyncio.Protocol):
    """One end. Closed by close(), or when the other end is."""

    def __init__(self, on_word: Callable[[str], None], on_end: Callable[[], None]) -> None:
        self._on_word = on_word
        self._on_end = on_end
        self._rest = b""
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(
        cls,
        end: socket.socket,
        on_word: Callable[[str], None],
        on_end: Callable[[], None],
        rest: str = "",
    ) -> "Channel":
        """Take one end of a socket pair; on_end is called once, when the other end is closed.

        `rest` is what another Channel has left of a word.
        """
        loop = asyncio.get_running_loop()
        _, channel = await loop.create_unix_connection(lambda: cls(on_word, on_end), sock=end)
        channel._rest = rest.encode()
        return channel

    def leave(self) -> dict[str, Any]:
        """Write its descriptor down, None if it is closed, and what has come of a word."""
        end = None if self._transport is None else self._transport.get_extra_info("socket")
        return {"descriptor": end and end.fileno(), "rest": self._rest.decode()}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Pass on whole lines."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._on_word(line.decode())

    def connection_lost(self, error: Exception | None) -> None:
        """Say that the other end has gone, unless this one was closed."""
        if self._transport is not None:
            self._transport = None
            self._on_end()

    def say(self, word: ToWorker | ToSupervisor) -> None:
        """Send a word; nobody hears it when the other end has gone."""
        self._write(word.value)

    def say_zone(self, name: str) -> None:
        """Send the name of a zone, of one line."""
        self._write(ZONE + " ".join(name.split()))

    def _write(self, line: str) -> None:
        if self._transport is not None:
            self._transport.write(line.encode() + b"\n")

    def close(self) -> None:
        """Close this end. Can be called again."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()
