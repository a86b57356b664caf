"""A consumer whose handle() starts a task that responds, and returns, as under daphne."""

import asyncio
import gc
from typing import Any

import pytest
from channels.generic.http import AsyncHttpConsumer
from support.apps import Gate, Journal, Receive, Scope, Send
from support.raw import request
from support.server import Serve

from .conftest import Accelerated


def streaming(gate: Gate, fails: bool = False) -> Any:
    """Return a consumer that streams in a task, which goes on when the gate is open."""

    class Streaming(AsyncHttpConsumer):
        async def handle(self, body: bytes) -> None:
            await self.send_headers(headers=[(b"content-type", b"text/event-stream")])
            self.task = asyncio.create_task(self.stream())

        async def stream(self) -> None:
            await self.send_body(b"data: 1\n\n", more_body=True)
            await gate.wait()
            if fails:
                return
            await self.send_body(b"data: 2\n\n", more_body=True)
            await self.send_body(b"", more_body=False)

    return Streaming.as_asgi()


def test_task_goes_on_responding(accelerated: Accelerated) -> None:
    gate = Gate()
    server = accelerated(streaming(gate))
    with server.connect() as client:
        for _ in range(2):  # on a connection that is kept
            client.send(request())
            assert client.read_until(b"data: 1\n\n\r\n")
            gate.open()
            assert client.read_until(b"data: 2\n\n\r\n0\r\n\r\n")


def test_client_that_leaves(accelerated: Accelerated) -> None:
    """The task is not ours to cancel; what it sends is dropped."""
    gate = Gate()
    server = accelerated(streaming(gate))
    with server.connect() as client:
        client.send(request())
        assert client.read_until(b"data: 1\n\n\r\n")
    server.wait_idle()
    gate.open()


def test_server_that_stops(accelerated: Accelerated) -> None:
    """It does not wait for a task that it knows nothing of."""
    server = accelerated(streaming(gate := Gate()), application_close_timeout=60.0)
    with server.connect() as client:
        client.send(request())
        assert client.read_until(b"data: 1\n\n\r\n")
        server.call(server.engine.server.shutdown)  # type: ignore[attr-defined]
        client.read_to_end()
    server.wait_idle()
    gate.open()


def test_task_that_ends_without_the_rest(accelerated: Accelerated) -> None:
    """Nobody can send any more: the client is not kept."""
    gate = Gate()
    server = accelerated(streaming(gate, fails=True))
    with server.connect() as client:
        client.send(request())
        assert client.read_until(b"data: 1\n\n\r\n")
        gate.open()
        while client.is_silent(0.05):
            server.call(gc.collect)  # a consumer and its task refer to each other
        assert b"0\r\n\r\n" not in client.read_to_end()
    server.reports.expect("without completing its response")


def test_consumer_that_forgets_to_respond(accelerated: Accelerated) -> None:
    class Silent(AsyncHttpConsumer):
        async def handle(self, body: bytes) -> None:
            return

    server = accelerated(Silent.as_asgi())
    assert server.get().status == 500
    server.reports.expect("without completing its response")


def test_consumer_that_fails_behind_its_task(accelerated: Accelerated) -> None:
    """An exception is an end."""

    class Failing(AsyncHttpConsumer):
        async def handle(self, body: bytes) -> None:
            self.task = asyncio.create_task(self.wait())
            raise RuntimeError("handle failed")

        async def wait(self) -> None:
            await asyncio.sleep(0)

    server = accelerated(Failing.as_asgi())
    assert server.get().status == 500
    server.reports.expect("handle failed", exception=RuntimeError)


@pytest.mark.parametrize("keeps", [True, False])
def test_other_applications_are_ended(serve: Serve, keeps: bool) -> None:
    """ASGI knows no such thing: who returns has ended."""
    journal = Journal()
    kept: list[Send] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if keeps:
            kept.append(send)
        journal.add("returned")

    server = serve(application)
    assert server.get().status == 500
    server.reports.expect("without completing its response")
    kept.clear()
