"""A Server on loops that are not ours: it rides on them through their public interface."""

import asyncio
import functools
import gc
import socket
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from casgi import _core

DEADLINE = 20.0

FOREIGN_LOOPS = {
    "asyncio": asyncio.SelectorEventLoop,
    "uvloop": uvloop.new_event_loop,
}


@pytest.fixture(params=FOREIGN_LOOPS)
def new_foreign_loop(request: pytest.FixtureRequest) -> Callable[[], asyncio.AbstractEventLoop]:
    return FOREIGN_LOOPS[request.param]


def on_foreign_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Decorate an async test: it runs on each of the foreign loops, in debug mode."""

    @functools.wraps(test)
    def run(new_foreign_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
        async def within_deadline() -> None:
            async with asyncio.timeout(DEADLINE):
                await test()

        with asyncio.Runner(loop_factory=new_foreign_loop, debug=True) as runner:
            runner.get_loop().slow_callback_duration = DEADLINE
            runner.run(within_deadline())

    del run.__wrapped__  # its signature is that of `run`
    return run


class Riding:
    """A Server on the running loop, and the address it listens on."""

    def __init__(self, application: Callable[..., Any], **options: Any) -> None:
        self.idle = asyncio.Event()
        self.server = _core.Server(application, asyncio.get_running_loop(), **options)
        self.server.on_idle = self.idle.set
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.address = listener.getsockname()
            self.server.listen(listener.fileno())

    async def __aenter__(self) -> "Riding":
        return self

    async def __aexit__(self, *error: object) -> None:
        self.server.stop_listening()
        self.server.abort()
        while self.server.connections or self.server.tasks:
            self.idle.clear()
            await self.idle.wait()
        self.server.close()


async def answer(scope: dict[str, Any], receive: Any, send: Any) -> None:
    body = b"" if scope["type"] == "lifespan" else scope["path"].encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def stream(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(200):
        await send({"type": "http.response.body", "body": b"x" * 20_000, "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b""})


async def get(address: tuple[str, int], path: str) -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        response = await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
    return response.partition(b"\r\n\r\n")[2]


@on_foreign_loop
async def test_requests():
    async with Riding(answer) as riding:
        paths = [f"/{number}" for number in range(50)]
        assert await asyncio.gather(*(get(riding.address, path) for path in paths)) == [
            path.encode() for path in paths
        ]


@on_foreign_loop
async def test_a_response_larger_than_the_sockets_buffers():
    async with Riding(stream) as riding:
        bodies = await asyncio.gather(*(get(riding.address, "/") for _ in range(4)))
        assert [len(body) for body in bodies] == [4_000_000] * 4


@on_foreign_loop
async def test_timers_fire_while_nothing_else_happens():
    async with Riding(answer, header_timeout=0.5) as riding:
        reader, writer = await asyncio.open_connection(*riding.address)
        writer.write(b"GET / HTTP/1.1\r\n")
        await reader.read()
        writer.close()
        await writer.wait_closed()


@on_foreign_loop
async def test_the_loop_stays_usable():
    loop = asyncio.get_running_loop()
    before = loop.time()
    async with Riding(answer) as riding:
        assert await asyncio.to_thread(lambda: 7) == 7
        await asyncio.sleep(0.01)
        assert await get(riding.address, "/x") == b"/x"
    async with Riding(answer) as riding:
        assert await get(riding.address, "/again") == b"/again"
    assert loop.time() - before < DEADLINE


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_of_the_application_ends_the_loop(new_foreign_loop, interrupt):
    async def interrupted(scope: dict[str, Any], receive: Any, send: Any) -> None:
        del receive, send  # the logged traceback would keep them
        raise interrupt

    async def main() -> None:
        async with Riding(interrupted) as riding:
            await get(riding.address, "/")

    with (
        pytest.raises(interrupt),
        asyncio.Runner(loop_factory=new_foreign_loop) as runner,
    ):
        runner.run(main())


def test_a_server_dropped_with_its_loop(new_foreign_loop):
    """The loop is closed before the server: late, but nothing breaks and nothing is left."""

    async def main() -> Riding:
        riding = Riding(answer)
        assert await get(riding.address, "/") == b"/"
        riding.server.stop_listening()
        return riding

    with asyncio.Runner(loop_factory=new_foreign_loop) as runner:
        riding = runner.run(main())
    riding.server.close()
    watched = weakref.ref(riding)
    del riding, runner
    gc.collect()
    assert watched() is None


@on_foreign_loop
async def test_a_send_that_is_dropped_while_an_exception_passes() -> None:
    kept: list[Any] = []

    async def leave_open(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        kept.append(send)

    async with Riding(leave_open) as riding:
        riding.server.drops_late_messages = True
        reader, writer = await asyncio.open_connection(*riding.address)
        writer.write(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        await reader.readuntil(b"begun")
        while riding.server.tasks:
            await asyncio.sleep(0)
        with pytest.raises(IndexError):
            _ = [kept.pop()][1]  # the list, and with it the last reference to send(), goes now
        assert b"0\r\n\r\n" not in await reader.read()
        writer.close()
        await writer.wait_closed()
