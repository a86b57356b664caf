"""The control socket of a server: takes connections, checks who they are, and answers them.

Runs in the event loop of the supervisor, or of a thread beside a single process's.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from casgi.control.protocol import (
    LONGEST_LINE,
    Answer,
    ControlError,
    decode,
    encode,
    is_owner,
    peer_of,
)
from casgi.errors import BindError
from casgi.forks import Descriptors
from casgi.unix_sockets import SocketFile, bind_unix

logger = logging.getLogger("casgi.control")

_MODE = 0o600
# For who may not ask.
_SECONDS = 5.0

Answering = Callable[[dict[str, object], int], Awaitable[Answer]]
"""Takes a request and the PID of who asks."""


class ControlSocket:
    """A socket that listens on a path, which only its owner may open. Closed by close()."""

    def __init__(self, path: str, left: dict[str, Any] | None = None) -> None:
        """Bind it, or have what leave() has written down; raise BindError."""
        self._path = os.path.abspath(path)
        if left is None:
            self.socket, self._file = _listen(self._path)
        else:
            self.socket = socket.socket(fileno=left["descriptor"])
            self._file = None if left["file"] is None else SocketFile(**left["file"])
        self._descriptors = Descriptors([self.socket.fileno()])

    @classmethod
    def inherit(cls, path: str | None, left: dict[str, Any] | None) -> "ControlSocket | None":
        """Return the one of a path, if there is one; another program may have left it, or another.

        Raise BindError.
        """
        if left is not None and (path is None or os.path.abspath(path) != left["path"]):
            cls(left["path"], left).close()
            left = None
        return None if path is None else cls(path, left)

    def leave(self) -> dict[str, Any]:
        """Write it down for the program that takes the place of this one in the same process."""
        return {
            "descriptor": self.socket.fileno(),
            "file": None if self._file is None else asdict(self._file),
            "path": self._path,
        }

    def close(self) -> None:
        """Remove its file, unless somebody else has put one there, and close it."""
        self.remove_file()
        self.socket.close()

    def remove_file(self) -> None:
        """Let nobody find it any more. Can be called again."""
        if self._file is not None:
            self._file.remove()


def _listen(path: str) -> tuple[socket.socket, SocketFile | None]:
    try:
        made, file = bind_unix(path, _MODE, None)
        made.listen()
    except OSError as error:
        reason = error.strerror or error
        raise BindError(f"cannot listen on {path} for --control: {reason}") from None
    return made, file


class ControlEndpoint:
    """Answers on a control socket, which it borrows, in the running loop.

    Attributes:
        on_worker: takes over a connection over which a process calls in, with its PID, as long as
            the function runs. None where nobody calls in.

    """

    def __init__(self, bound: ControlSocket, answer: Answering) -> None:
        self._bound = bound
        self._answer = answer
        self._server: asyncio.Server | None = None
        self.on_worker: (
            Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Awaitable[None]] | None
        ) = None

    async def start(self) -> None:
        """Begin to answer."""
        # start_unix_server() would remove the file, too: after the socket is closed.
        self._server = await asyncio.start_server(
            self._serve, sock=self._bound.socket, limit=LONGEST_LINE
        )

    def close(self) -> None:
        """Answer no more."""
        self._bound.remove_file()
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            pid, uid = peer_of(writer.get_extra_info("socket"))
            if is_owner(uid):
                await self._serve_owner(reader, writer, pid)
            else:
                logger.warning("Process %d of user %d may not use the control socket", pid, uid)
                async with asyncio.timeout(_SECONDS):
                    await reader.readline()  # Else the answer would be lost with the request.
                    writer.write(encode({"error": f"user {uid} may not control this server"}))
                    await writer.drain()
        except (OSError, TimeoutError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            writer.close()

    async def _serve_owner(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pid: int
    ) -> None:
        while line := await reader.readline():
            try:
                request = decode(line)
                if "worker" in request and self.on_worker is not None:
                    await self.on_worker(reader, writer, pid)
                    return
                answer = await self._answer(request, pid)
            except ControlError as error:
                answer = {"error": str(error)}
            writer.write(encode(answer))
            await writer.drain()
