"""asyncio's transports on a loop made with our selector: streams, TLS, datagrams, pipes."""

import asyncio
import os
import threading
import time

from selector_loop import new_selector_loop, on_selector


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def check_echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    data = os.urandom(1 << 20)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(reader.readexactly(len(data)))
        writer.write(data)
        await writer.drain()
    assert reading.result() == data
    writer.close()
    await writer.wait_closed()


@on_selector
async def test_streams():
    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        address = server.sockets[0].getsockname()
        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(check_echo(*await asyncio.open_connection(*address)))


@on_selector
async def test_unix_streams(tmp_path):
    path = tmp_path / "socket"
    async with await asyncio.start_unix_server(echo, path):
        await check_echo(*await asyncio.open_unix_connection(path))


@on_selector
async def test_tls_streams(tls_contexts):
    server_context, client_context = tls_contexts
    async with await asyncio.start_server(echo, "127.0.0.1", 0, ssl=server_context) as server:
        address = server.sockets[0].getsockname()
        await check_echo(
            *await asyncio.open_connection(
                *address, ssl=client_context, server_hostname="localhost"
            )
        )


@on_selector
async def test_start_tls(tls_contexts):
    """A plain connection is turned into TLS on its way, as asyncpg does after one question."""
    server_context, client_context = tls_contexts

    async def upgrade(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(8) == b"TLS, ok?"
        writer.write(b"S")
        await writer.start_tls(server_context)
        await echo(reader, writer)

    async with await asyncio.start_server(upgrade, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"TLS, ok?")
        assert await reader.readexactly(1) == b"S"
        await writer.start_tls(client_context, server_hostname="localhost")
        await check_echo(reader, writer)


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self, replies: bool) -> None:
        self.replies = replies
        self.received: asyncio.Queue[bytes] = asyncio.Queue()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self.received.put_nowait(data)
        if self.replies:
            self.transport.sendto(data.upper(), address)


@on_selector
async def test_datagrams():
    loop = asyncio.get_running_loop()
    server, _ = await loop.create_datagram_endpoint(
        lambda: Datagrams(True), local_addr=("127.0.0.1", 0)
    )
    client, protocol = await loop.create_datagram_endpoint(
        lambda: Datagrams(False), remote_addr=server.get_extra_info("sockname")
    )
    for number in range(20):
        client.sendto(b"ping %d" % number)
        assert await protocol.received.get() == b"PING %d" % number
    client.close()
    server.close()
    await asyncio.sleep(0)


@on_selector
async def test_pipes():
    loop = asyncio.get_running_loop()
    reading, writing = os.pipe()
    reader = asyncio.StreamReader()
    source, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb", 0)
    )
    sink, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(writing, "wb", 0)
    )
    writer = asyncio.StreamWriter(sink, protocol, None, loop)
    data = os.urandom(300_000)
    writer.write(data)
    assert await reader.readexactly(len(data)) == data
    writer.close()
    assert await reader.read() == b""
    source.close()


def test_loops_in_several_threads():
    results: list[float] = []

    async def main() -> None:
        async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
            await check_echo(*await asyncio.open_connection(*server.sockets[0].getsockname()))
        results.append(time.monotonic())

    def work() -> None:
        with asyncio.Runner(loop_factory=new_selector_loop) as runner:
            runner.run(main())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
