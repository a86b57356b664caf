"""`casgi.serve`, `casgi.run` and `casgi.Server` within other programs."""

import asyncio
import contextlib
import signal
import socket
import subprocess
import sys

import pytest
import uvloop
from support.casgi_process import DEADLINE, PROJECT, environment
from support.ports import free_port

import casgi
from casgi.errors import BindError, ConfigError, LifespanError
from casgi.loop import new_event_loop

LOOPS = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
    "casgi": new_event_loop,
}


async def hello(scope, receive, send):
    assert scope["type"] == "http", scope["type"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


class Recorder:
    """An application with a lifespan, and what it went through."""

    def __init__(self):
        self.seen = []
        self.is_ready = asyncio.Event()

    async def __call__(self, scope, receive, send):
        if scope["type"] != "lifespan":
            await hello(scope, receive, send)
            return
        for phase in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{phase}"
            self.seen.append(phase)
            await send({"type": f"lifespan.{phase}.complete"})
            self.is_ready.set()


async def get(address):
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    response = await asyncio.wait_for(reader.read(), DEADLINE)
    writer.close()
    await writer.wait_closed()
    return response


@pytest.mark.parametrize("name", LOOPS)
def test_server_rides_on_any_running_loop(name):
    async def program():
        async with casgi.Server(hello, casgi.Config(port=free_port())) as server:
            (address,) = server.addresses
            responses = await asyncio.gather(*[get(address) for _ in range(5)])
        assert [response[-5:] for response in responses] == [b"hello"] * 5
        with pytest.raises(ConnectionRefusedError):
            await get(address)

    with asyncio.Runner(loop_factory=LOOPS[name]) as runner:
        runner.run(program())


async def test_serve_ends_with_its_event():
    application, shutdown_event = Recorder(), asyncio.Event()
    serving = asyncio.create_task(casgi.serve(application, port=0, shutdown_event=shutdown_event))
    await asyncio.wait_for(application.is_ready.wait(), DEADLINE)
    shutdown_event.set()
    await asyncio.wait_for(serving, DEADLINE)
    assert application.seen == ["startup", "shutdown"]


async def test_serve_ends_in_order_when_cancelled():
    application = Recorder()
    serving = asyncio.create_task(casgi.serve(application, port=0))
    await asyncio.wait_for(application.is_ready.wait(), DEADLINE)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(serving, DEADLINE)
    assert application.seen == ["startup", "shutdown"]


async def test_serve_leaves_signals_alone():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with casgi.Server(hello, casgi.Config(port=0)):
        during = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert during == before


async def test_serve_gives_signals_back():
    application, shutdown_event = Recorder(), asyncio.Event()
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    serving = asyncio.create_task(
        casgi.serve(application, port=0, shutdown_event=shutdown_event, handle_signals=True)
    )
    await asyncio.wait_for(application.is_ready.wait(), DEADLINE)
    assert signal.getsignal(signal.SIGTERM) != before[1]
    shutdown_event.set()
    await asyncio.wait_for(serving, DEADLINE)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


async def test_failed_start_leaves_nothing_bound():
    async def failing(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed"})

    free = free_port()
    async with casgi.Server(hello, casgi.Config(port=free)):
        with pytest.raises(BindError, match="already in use"):
            await casgi.serve(hello, port=free)
    with pytest.raises(LifespanError, match="it gave no reason"):
        await casgi.serve(failing, port=free)
    async with casgi.Server(hello, casgi.Config(port=free)) as server:
        assert (await get(server.addresses[0])).endswith(b"hello")


async def test_port_that_is_taken_while_the_application_starts():
    async def slow(scope, receive, send):
        assert scope["type"] == "lifespan"
        await receive()
        with socket.create_server(address):
            await send({"type": "lifespan.startup.complete"})
            await receive()

    address = ("127.0.0.1", free_port())
    expected = f"cannot listen on TCP address 127.0.0.1:{address[1]}: address already in use"
    with pytest.raises(BindError, match=f"^{expected}$"):
        await casgi.serve(slow, port=address[1])


async def test_application_can_be_named(monkeypatch):
    monkeypatch.syspath_prepend(str(PROJECT))
    async with casgi.Server("served:hello", casgi.Config(port=0)) as server:
        assert (await get(server.addresses[0])).endswith(b"hello")


async def test_stop_ends_a_serve_elsewhere():
    application = Recorder()
    server = casgi.Server(application, casgi.Config(port=0))
    serving = asyncio.create_task(server.serve())
    await asyncio.wait_for(application.is_ready.wait(), DEADLINE)
    await asyncio.gather(server.stop(), server.stop())
    await asyncio.wait_for(serving, DEADLINE)
    assert application.seen == ["startup", "shutdown"]


async def test_stop_twice_is_stop_once():
    application = Recorder()
    server = casgi.Server(application, casgi.Config(port=0))
    await server.start()
    await server.stop()
    await server.stop()
    assert application.seen == ["startup", "shutdown"]


async def test_unknown_option_is_an_error():
    with pytest.raises(TypeError, match="colour"):
        await casgi.serve(hello, colour="red")


@pytest.mark.parametrize(
    "options",
    [
        {"port": 65536},
        {"bind": ""},
        {"unix_socket": ""},
        {"fd": -1},
        {"lifespan": "maybe"},
        {"ping_interval": 0},
        {"ping_timeout": -1},
        {"http_timeout": float("nan")},
        {"http_timeout": "soon"},
        {"application_close_timeout": -0.1},
        {"max_headers": 0},
        {"max_head_size": 1.5},
        {"websocket_max_message_size": -1},
        {"server_name": "a\r\nb"},
        {"server_name": "gruß"},
    ],
)
def test_value_that_an_option_cannot_have_is_an_error(options):
    (name,) = options
    with pytest.raises(ConfigError, match=name):
        casgi.Config(**options)


def test_run_makes_a_loop_of_its_own_and_ends_with_a_signal():
    program = "import casgi, served; casgi.run(served.with_lifespan, port=0); print('after run')"
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    with contextlib.ExitStack() as stack:
        stack.callback(process.kill)
        assert process.stdout.readline() == "startup\n"
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=DEADLINE)
        assert process.returncode == 0
        assert rest.splitlines() == ["shutdown", "after shutdown", "after run"]
