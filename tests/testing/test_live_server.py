"""casgi.testing.LiveServer: a server in a thread of this process."""

from __future__ import annotations

import asyncio
import socket
import threading

import httpx
import pytest
from support.apps import Receive, Scope, Send
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from casgi.errors import ApplicationImportError, BindError, ConfigError, LifespanError
from casgi.testing import LiveServer


async def answer(send: Send, body: bytes) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "websocket"
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": event["text"]})


async def thread_name(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    await answer(send, threading.current_thread().name.encode())


def get(server: LiveServer, path: str = "/") -> str:
    return httpx.get(server + path, timeout=20, trust_env=False).text


def test_serves_in_a_thread() -> None:
    with LiveServer(thread_name) as server:
        assert get(server) == "casgi live server"
        assert str(server) == server.url == f"http://localhost:{server.port}"
        assert server.ws_url == f"ws://localhost:{server.port}"
        assert repr(server) == f"<LiveServer {server.url}>"
    assert "casgi live server" not in [thread.name for thread in threading.enumerate()]
    assert repr(server) == "<LiveServer not running>"


@pytest.mark.parametrize(("bind", "url"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_addresses(bind: str, url: str) -> None:
    with LiveServer(thread_name, bind=bind) as server:
        assert server.url == f"http://{url}:{server.port}"
        assert get(server) == "casgi live server"


def test_two_at_once() -> None:
    with LiveServer(thread_name) as one, LiveServer(thread_name) as other:
        assert one.port != other.port
        assert get(one) == get(other)


def test_can_be_started_again() -> None:
    server = LiveServer(thread_name)
    for _ in range(2):
        server.start()
        assert get(server) == "casgi live server"
        server.stop()
        server.stop()


def test_stop_closes_websockets_and_waits_for_the_application() -> None:
    has_ended = False

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal has_ended
        await echo(scope, receive, send)
        await asyncio.sleep(0.1)
        has_ended = True

    server = LiveServer(application, application_close_timeout=30)
    with server, connect(server.ws_url, proxy=None) as client:
        client.send("hello")
        assert client.recv() == "hello"
        server.stop()
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=20)
        assert client.close_code == 1012
        assert has_ended


def test_stop_gives_up_what_never_ends(caplog: pytest.LogCaptureFixture) -> None:
    cancelled = threading.Event()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            raise RuntimeError("no lifespan")
        try:
            await answer(send, b"done")
            await asyncio.sleep(600)
        finally:
            cancelled.set()

    with LiveServer(application, application_close_timeout=0) as server:
        assert get(server) == "done"
    assert cancelled.is_set()
    # The traceback of the cancelled task keeps its frames.
    caplog.clear()


def test_stop_waits_for_a_thread_that_is_held_up(caplog: pytest.LogCaptureFixture) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await answer(send, b"done")
            await asyncio.sleep(600)
        finally:
            threading.Event().wait(1.5)  # as a machine that has more to do lets it wait

    with LiveServer(application, application_close_timeout=0, lifespan="off") as server:
        assert get(server) == "done"
    assert repr(server) == "<LiveServer not running>"
    # The traceback of the cancelled task keeps its frames.
    caplog.clear()


def test_run_in_the_loop_of_the_server() -> None:
    async def name() -> str:
        return threading.current_thread().name

    with LiveServer(thread_name) as server:
        assert server.run(name()) == "casgi live server"
    coroutine = name()
    with pytest.raises(RuntimeError, match="the server does not run"):
        server.run(coroutine)
    coroutine.close()


async def failing(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})


def test_errors_of_the_start_are_raised() -> None:
    with pytest.raises(LifespanError, match="no database"):
        LiveServer(failing).start()
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(BindError):
        LiveServer(thread_name, bind="127.0.0.1", port=taken.getsockname()[1]).start()
    with pytest.raises(ApplicationImportError, match="nowhere"):
        LiveServer("nowhere:application").start()
    with pytest.raises(ConfigError, match="max_headers"):
        LiveServer(thread_name, max_headers=0)
    with pytest.raises(TypeError):
        LiveServer(thread_name, colour="teal")


def test_stop_without_start() -> None:
    LiveServer(thread_name).stop()
