"""A bad network: a TCP relay in front of a server that slows, stops or cuts connections.

    client ---- Relay ---- server

It runs in a thread with an event loop of its own, and never looks into what it passes on.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from typing import Any, Self

_CHUNK = 16 * 1024
# Closes with a reset: what a client sees of a process that crashed.
_LINGER_NOT = struct.pack("ii", 1, 0)


class Relay:
    """Passes bytes on, from `with` on; how is changed at any time.

    Attributes:
        latency: seconds that all bytes take longer, in each direction.
        bandwidth: bytes a second for each connection and direction; None is no limit.

    """

    def __init__(
        self, host: str, port: int, *, latency: float = 0.0, bandwidth: float | None = None
    ) -> None:
        """Take where the server is. Nothing is connected before a client comes."""
        self.latency = latency
        self.bandwidth = bandwidth
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._loop = asyncio.new_event_loop()
        self._flows = asyncio.Event()
        self._flows.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._run, name="casgi relay", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port that stands for the server's."""
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        """The server's HTTP through the relay, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """The server's WebSockets through the relay, without a slash at the end."""
        return f"ws://127.0.0.1:{self.port}"

    def __str__(self) -> str:
        return self.url

    def __add__(self, path: str) -> str:
        return f"{self}{path}"

    def pause(self) -> None:
        """Let nothing through, and close nothing: a cable that was pulled."""
        self._call(self._flows.clear)

    def resume(self) -> None:
        """Let through again what has waited, and what comes."""
        self._call(self._flows.set)

    def cut(self) -> None:
        """Reset all connections of both sides; new ones are taken."""
        self._call(self._reset)

    def stop(self) -> None:
        """Cut, and take no more connections."""
        if self._thread.is_alive():
            self._call(self._reset)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._listener.close()
        if not self._loop.is_closed():
            self._loop.close()

    def _call(self, function: Any) -> None:
        """Call in the loop's thread, and wait until that is done."""

        async def call() -> None:
            function()

        asyncio.run_coroutine_threadsafe(call(), self._loop).result()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        starting = asyncio.start_server(self._connected, sock=self._listener)
        server = self._loop.run_until_complete(starting)
        self._loop.run_forever()
        server.close()
        # One that was accepted last gets its task, and then its writer, in the turns that follow.
        while tasks := asyncio.all_tasks(self._loop):
            self._loop.run_until_complete(self._end(tasks))
        asyncio.set_event_loop(None)

    async def _end(self, tasks: set[asyncio.Task[Any]]) -> None:
        """End also what has begun since the connections were reset."""
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._reset()
        # Transports close in a turn of the loop.
        await asyncio.sleep(0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            server_reader, server_writer = await asyncio.open_connection(*self._target)
        except (OSError, asyncio.CancelledError):  # Python 3.11 takes the latter for an error.
            self._drop(writer)
            return
        self._writers.add(server_writer)
        for one, other in ((reader, server_writer), (server_reader, writer)):
            task = asyncio.ensure_future(self._pass_on(one, other))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on one direction until its end, which is passed on too."""
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=64)
        reading = asyncio.ensure_future(self._read(reader, under_way))
        try:
            while True:
                due, data = await under_way.get()
                await asyncio.sleep(due - self._loop.time())
                await self._flows.wait()
                if not data:
                    break
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
        except OSError:
            self._drop(writer)
        finally:
            reading.cancel()

    async def _read(
        self, reader: asyncio.StreamReader, under_way: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        data = b"."
        while data:
            data = b""
            with contextlib.suppress(OSError):
                data = await reader.read(self._chunk())
            if self.bandwidth:
                await asyncio.sleep(len(data) / self.bandwidth)
            await under_way.put((self._loop.time() + self.latency, data))

    def _chunk(self) -> int:
        """Return how much to take at once: a slow line delivers little at a time."""
        return _CHUNK if not self.bandwidth else max(1, min(_CHUNK, int(self.bandwidth / 20)))

    def _reset(self) -> None:
        for writer in list(self._writers):
            self._drop(writer)

    def _drop(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        connected = writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        writer.transport.abort()
