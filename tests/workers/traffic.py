"""Clients of every kind, which note whatever goes wrong while workers come and go."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from support.casgi_process import DEADLINE

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
# Much less than the --linger of the tests.
PAUSE = 0.05
CLOSE_FRAME = b"\x88"
SERVICE_RESTART = 1012


class Traffic:
    """Clients of one port while entered."""

    def __init__(self, port: int, of_each_kind: int = 4) -> None:
        self.failures: list[str] = []
        self.answered: Counter[str] = Counter()
        self.closed_with: Counter[int] = Counter()
        self._port = port
        self._of_each_kind = of_each_kind
        self._ended = asyncio.Event()
        self._clients: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Traffic":
        kinds = [self._fresh, self._kept_alive, self._half_sent, self._silent, self._websocket]
        for kind in kinds * self._of_each_kind:
            self._clients.append(asyncio.create_task(self._repeat(kind)))
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._ended.set()
        await asyncio.wait_for(asyncio.gather(*self._clients), DEADLINE)

    async def _repeat(self, client: Callable[..., Coroutine[Any, Any, None]]) -> None:
        name = client.__name__
        while not self._ended.is_set():
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                try:
                    await client(reader, writer)
                    self.answered[name] += 1
                finally:
                    writer.close()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()
            except (OSError, EOFError, AssertionError) as error:
                self.failures.append(f"{name}: {error!r}")

    async def _fresh(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        await answer(reader)

    async def _kept_alive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not self._ended.is_set():
            writer.write(HEAD)
            if await answer(reader):
                return
            await asyncio.sleep(PAUSE)

    async def _half_sent(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD[:20])
        await asyncio.sleep(PAUSE)
        writer.write(HEAD[20:])
        await answer(reader)

    async def _silent(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(PAUSE)
        writer.write(HEAD)
        await answer(reader)

    async def _websocket(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HANDSHAKE)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head
        ended = asyncio.create_task(self._ended.wait())
        closed = asyncio.create_task(self._wait_for_close(reader))
        await asyncio.wait([ended, closed], return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if closed.done():
            writer.write(b"\x88\x82\0\0\0\0" + closed.result().to_bytes(2, "big"))
        else:
            closed.cancel()

    async def _wait_for_close(self, reader: asyncio.StreamReader) -> int:
        """Return the code of the close frame; other frames are short."""
        frame = b""
        try:
            while frame[:1] != CLOSE_FRAME:
                frame = await reader.readexactly(2)
                frame += await reader.readexactly(frame[1])
        except ConnectionResetError:
            # Who is held up for a second is cut after the frame, which a StreamReader then keeps.
            frame += bytes(reader._buffer)  # type: ignore[attr-defined]
            if frame[:1] != CLOSE_FRAME:
                raise
        code = int.from_bytes(frame[2:4], "big")
        self.closed_with[code] += 1
        return code


async def answer(reader: asyncio.StreamReader) -> bool:
    """Read an answer; return whether it says that the connection closes."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    assert head.startswith(b"http/1.1 200"), head
    length = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])
    await reader.readexactly(length)
    return b"connection: close" in head
