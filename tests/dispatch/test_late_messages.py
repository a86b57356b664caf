"""What a consumer sends after the end is dropped without an error, as under daphne.

Its disconnect() may send, and send_body() promises that it is ignored. Whoever is no consumer gets
what ASGI says: an OSError on a WebSocket, a RuntimeError after a response.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import (
    AsyncWebsocketConsumer,
    WebsocketConsumer,
)
from support.apps import DEADLINE, Application, Journal, Receive, Scope, Send, respond
from support.engines import ClientDisconnected
from support.raw import request
from support.server import Serve

from .conftest import Accelerated


def behind_a_wrapper(application: Application) -> Application:
    """Return it behind middleware that wraps receive and send, as tracing does."""

    async def wrapper(scope: Scope, receive: Receive, send: Send) -> None:
        async def traced_receive() -> Any:
            return await receive()

        async def traced_send(message: Any) -> None:
            await send(message)

        await application(scope, traced_receive, traced_send)

    return wrapper


def as_it_is(application: Application) -> Application:
    """Return it as it is."""
    return application


def sends_in_disconnect(journal: Journal) -> Any:
    class Late(AsyncWebsocketConsumer):
        async def disconnect(self, code: int) -> None:
            await self.send(text_data="too late")
            await self.close()
            journal.add("cleaned up")

    return Late.as_asgi()


def sends_in_sync_disconnect(journal: Journal) -> Any:
    class Late(WebsocketConsumer):
        def disconnect(self, code: int) -> None:
            self.send(text_data="too late")
            self.close()
            journal.add("cleaned up")

    return Late.as_asgi()


@pytest.mark.parametrize("behind", [as_it_is, behind_a_wrapper])
@pytest.mark.parametrize("make", [sends_in_disconnect, sends_in_sync_disconnect])
def test_disconnect_may_send(
    accelerated: Accelerated, make: Callable[[Journal], Any], behind: Callable[[Any], Any]
) -> None:
    journal = Journal()
    server = accelerated(behind(make(journal)))
    server.websocket().finish()
    assert journal.next() == "cleaned up"
    server.wait_idle()


def test_thread_may_send_after_the_end(accelerated: Accelerated) -> None:
    journal = Journal()

    class Threaded(AsyncWebsocketConsumer):
        async def disconnect(self, code: int) -> None:
            def work() -> None:
                async_to_sync(self.send)("too late")
                journal.add("sent")

            thread = threading.Thread(target=work)
            thread.start()
            await asyncio.to_thread(thread.join)

    server = accelerated(Threaded.as_asgi())
    server.websocket().finish()
    assert journal.next() == "sent"


@pytest.mark.parametrize("behind", [as_it_is, behind_a_wrapper])
def test_body_after_the_end(accelerated: Accelerated, behind: Callable[[Any], Any]) -> None:
    journal = Journal()

    class Twice(AsyncHttpConsumer):
        async def handle(self, body: bytes) -> None:
            await self.send_response(200, b"once")
            await self.send_body(b"twice")
            journal.add("ignored")

    server = accelerated(behind(Twice.as_asgi()))
    assert server.exchange(request()).body == b"once"
    assert journal.next() == "ignored"


class Endless:
    """Sends again and again after the end, and notes whether a request has come and ended that."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._is_over = False

    async def send_on(self, send: Callable[[Any], Any]) -> None:
        """Send, and wait for nothing else."""
        self._journal.add("begun")
        end = time.monotonic() + DEADLINE / 2
        while not self._is_over and time.monotonic() < end:
            await send("too late")
        self._journal.add(self._is_over)

    async def stop(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request that ends it."""
        self._is_over = True
        await respond(send, b"over")


def endless_on_a_websocket(endless: Endless) -> Any:
    class Late(AsyncWebsocketConsumer):
        async def disconnect(self, code: int) -> None:
            await endless.send_on(self.send)

    return Late.as_asgi()


def endless_behind_a_response(endless: Endless) -> Any:
    class Late(AsyncHttpConsumer):
        async def handle(self, body: bytes) -> None:
            await self.send_response(200, b"once")
            await endless.send_on(lambda text: self.send_body(text.encode()))

    return Late.as_asgi()


@pytest.mark.parametrize("make", [endless_on_a_websocket, endless_behind_a_response])
def test_others_have_their_turn(accelerated: Accelerated, make: Callable[[Endless], Any]) -> None:
    journal = Journal()
    endless = Endless(journal)
    late = make(endless)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await (endless.stop if scope["path"] == "/stop" else late)(scope, receive, send)

    server = accelerated(application)
    if make is endless_on_a_websocket:
        server.websocket().finish()
    else:
        assert server.exchange(request()).body == b"once"
    assert journal.next() == "begun"
    assert server.exchange(request("/stop")).body == b"over"
    assert journal.next() is True


def test_who_is_no_consumer_gets_an_error(accelerated: Accelerated) -> None:
    journal = Journal()
    consumer = sends_in_disconnect(journal)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/consumer":
            await consumer(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        with pytest.raises(ClientDisconnected):
            await send({"type": "websocket.send", "text": "too late"})
        journal.add("error")

    server = accelerated(application)
    for path, outcome in (("/consumer", "cleaned up"), ("/", "error")) * 2:
        server.websocket(path).finish()
        assert journal.next() == outcome


def test_all_of_a_server_that_knows_no_consumers(serve: Serve) -> None:
    """With --no-accelerate nobody says who is a consumer: then all are taken for one."""
    journal = Journal()
    server = serve(sends_in_disconnect(journal))
    server.engine.server.drops_late_messages = True  # type: ignore[attr-defined]
    server.websocket().finish()
    assert journal.next() == "cleaned up"


async def test_server_says_so_when_channels_is_as_it_is() -> None:
    from casgi import Server
    from casgi.config import Config

    journal = Journal()
    for accelerate in (True, False):
        config = Config(port=0, lifespan="off", accelerate=accelerate)
        async with Server(sends_in_disconnect(journal), config) as server:
            assert server._core is not None
            assert server._core.drops_late_messages is not accelerate
