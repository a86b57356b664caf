"""The control socket of a server: takes connections, checks who they are, and answers them.

Runs in the event loop of the supervisor, or of a thread beside a single process's.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable

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
from casgi.unix_sockets import bind_unix

logger = logging.getLogger("casgi.control")

_MODE = 0o600
# For who may not ask.
_SECONDS = 5.0

Answering = Callable[[dict[str, object], int], Awaitable[Answer]]
"""Takes a request and the PID of who asks."""


class ControlSocket:
    """A socket that listens on a path, which only its owner may open. Closed by close()."""

    def __init__(self, path: str) -> None:
        """Bind it; raise BindError."""
        try:
            self.socket, self._file = bind_unix(os.path.abspath(path), _MODE, None)
            self.socket.listen()
        except OSError as error:
            raise BindError(
                f"cannot listen on {path} for --control: {error.strerror or error}"
            ) from None

        self._descriptors = Descriptors([self.socket.fileno()])

    def close(self) -> None:
        """Remove its file, unless somebody else has put one there, and close it."""
        self.remove_file()
        self.socket.close()

    def remove_file(self) -> None:
        """Let nobody find it any more. Can be called again."""
        if self._file is not None:
            self._file.remove()


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
