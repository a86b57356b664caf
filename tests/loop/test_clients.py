"""Client libraries on a loop made with our selector, against small servers on the same loop."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

import redis.asyncio
from selector_loop import on_selector

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    """Serve with `handler` on the port that it yields; leave no connection behind."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        try:
            await handler(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class SmallRedis:
    """As much of a Redis server as a client needs: RESP 2, strings, blocking pops, PUBLISH."""

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}
        self.lists: dict[bytes, asyncio.Queue[bytes]] = {}
        self.subscribers: dict[bytes, list[asyncio.StreamWriter]] = {}
        self.pops = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            count = int((await reader.readuntil(b"\r\n"))[1:])
            words = []
            for _ in range(count):
                length = int((await reader.readuntil(b"\r\n"))[1:])
                words.append((await reader.readexactly(length + 2))[:-2])
            writer.write(await self.answer(words[0].upper(), words[1:], writer))

    async def answer(
        self, command: bytes, words: list[bytes], writer: asyncio.StreamWriter
    ) -> bytes:
        match command, words:
            case b"SET", [key, value, *_]:
                self.values[key] = value
                return b"+OK\r\n"
            case b"GET", [key]:
                value = self.values.get(key)
                return b"$-1\r\n" if value is None else bulk(value)
            case b"LPUSH", [key, value]:
                self.lists.setdefault(key, asyncio.Queue()).put_nowait(value)
                return b":1\r\n"
            case b"BRPOP", [key, _]:
                queue = self.lists.setdefault(key, asyncio.Queue())
                self.pops += 1
                return array(key, await queue.get())
            case b"SUBSCRIBE", [channel]:
                self.subscribers.setdefault(channel, []).append(writer)
                return b"*3\r\n" + bulk(b"subscribe") + bulk(channel) + b":1\r\n"
            case b"PUBLISH", [channel, message]:
                for subscriber in self.subscribers.get(channel, []):
                    subscriber.write(array(b"message", channel, message))
                return b":%d\r\n" % len(self.subscribers.get(channel, []))
        return b"+OK\r\n"


def bulk(value: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(value), value)


def array(*values: bytes) -> bytes:
    return b"*%d\r\n" % len(values) + b"".join(map(bulk, values))


def redis_client(port: int) -> redis.asyncio.Redis:
    return redis.asyncio.Redis(port=port, protocol=2)


@on_selector
async def test_redis_commands():
    async with serving(SmallRedis().serve) as port, redis_client(port) as client:
        for number in range(200):
            await client.set(f"key {number}", b"x" * number)
        values = await asyncio.gather(*(client.get(f"key {number}") for number in range(50)))
        assert values == [b"x" * number for number in range(50)]


@on_selector
async def test_a_blocking_pop_is_woken_and_cancelled():
    small = SmallRedis()
    async with serving(small.serve) as port, redis_client(port) as client:
        popping = asyncio.create_task(client.brpop(["list"], timeout=0))
        await client.lpush("list", "item")
        assert await popping == (b"list", b"item")
        popping = asyncio.create_task(client.brpop(["list"], timeout=0))
        # One that is still sending passes the cancellation over, in wait_for() of Python 3.11.
        while small.pops < 2:
            await asyncio.sleep(0)
        popping.cancel()
        await asyncio.wait([popping])
        assert popping.cancelled()


@on_selector
async def test_redis_publish_and_subscribe():
    async with (
        serving(SmallRedis().serve) as port,
        redis_client(port) as client,
        client.pubsub() as pubsub,
    ):
        await pubsub.subscribe("room")
        assert (await pubsub.get_message(timeout=5))["type"] == "subscribe"
        for number in range(100):
            await client.publish("room", str(number))
        for number in range(100):
            message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=5)
            assert message["data"] == str(number).encode()


class FrameClient(asyncio.BufferedProtocol):
    """A database driver in small: a BufferedProtocol, length-prefixed frames, flow control."""

    def __init__(self) -> None:
        self.buffer = bytearray(4096)
        self.received = bytearray()
        self.answers: asyncio.Queue[bytes] = asyncio.Queue()
        self.can_write = asyncio.Event()
        self.can_write.set()
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        transport.set_write_buffer_limits(4096)

    def pause_writing(self) -> None:
        self.can_write.clear()

    def resume_writing(self) -> None:
        self.can_write.set()

    def get_buffer(self, size: int) -> bytearray:
        return self.buffer

    def buffer_updated(self, count: int) -> None:
        self.received += self.buffer[:count]
        while len(self.received) >= 4:
            end = 4 + struct.unpack_from("!I", self.received)[0]
            if len(self.received) < end:
                return
            self.answers.put_nowait(bytes(self.received[4:end]))
            del self.received[:end]

    def connection_lost(self, error: Exception | None) -> None:
        self.lost.set_result(error)

    async def ask(self, question: bytes) -> bytes:
        await self.can_write.wait()
        self.transport.write(struct.pack("!I", len(question)) + question)
        return await self.answers.get()


async def answer_frames(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        head = await reader.readexactly(4)
        frame = await reader.readexactly(struct.unpack("!I", head)[0])
        writer.write(head + frame[::-1])
        await writer.drain()


@on_selector
async def test_a_driver_of_protocols():
    async with serving(answer_frames) as port:
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.create_connection(FrameClient, "127.0.0.1", port)
        for size in (0, 1, 10, 5000, 500_000):
            question = bytes(number % 251 for number in range(size))
            assert await protocol.ask(question) == question[::-1]
        transport.close()
        assert await protocol.lost is None
