"""A request that was sent before the client could know that its idle connection ends."""

import asyncio
import threading
from collections.abc import Callable

import pytest
from support.apps import Journal, Receive, Scope, Send, respond
from support.raw import request
from support.server import LiveServer, Serve

BLOCKED = 0.3
"""Seconds that the loop is busy at least: longer than the keep-alive time-out below."""


class Blocking:
    """Answers with the path; `/block` keeps the loop until the test lets it go on.

    `/then-block` does so when it is answered, before the loop turns again.
    """

    def __init__(self) -> None:
        self.journal = Journal()
        self.go_on = threading.Event()
        self.at_last: Callable[[], object] = lambda: None

    def block(self) -> None:
        """Tell the test, wait for it, and do what it wants done before anything is read."""
        self.journal.add("blocked")
        assert self.go_on.wait(10)
        self.at_last()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/stream":
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": b"first ", "more_body": True})
            self.block()
            await send({"type": "http.response.body", "body": b"last"})
            return
        if scope["path"] == "/block":
            self.block()
        await respond(send, scope["path"].encode())
        if scope["path"] == "/then-block":
            asyncio.get_running_loop().call_soon(self.block)


@pytest.fixture
def blocking() -> Blocking:
    return Blocking()


def test_idle_time_is_over_while_a_request_arrives(serve: Serve, blocking: Blocking) -> None:
    server: LiveServer = serve(blocking, keep_alive_timeout=BLOCKED / 3)
    with server.connect() as idle:
        idle.send(request("/then-block"))
        assert idle.read_response().body == b"/then-block"
        blocking.journal.next()
        idle.send(request("/second"))
        threading.Timer(BLOCKED, blocking.go_on.set).start()
        assert idle.read_response().body == b"/second"


@pytest.mark.parametrize("is_new", [False, True], ids=["used", "new"])
def test_the_server_stops_while_a_request_arrives(
    serve: Serve, blocking: Blocking, is_new: bool
) -> None:
    server: LiveServer = serve(blocking)
    blocking.at_last = lambda: server.engine.server.shutdown()  # type: ignore[attr-defined]
    with server.connect() as idle, server.connect() as other:
        if not is_new:
            idle.send(request("/first"))
            assert idle.read_response().body == b"/first"
        other.send(request("/block"))
        blocking.journal.next()
        idle.send(request("/second"))
        blocking.go_on.set()
        response = idle.read_response()
        assert response.body == b"/second"
        assert response.header(b"connection") == b"close"
        assert other.read_response().body == b"/block"
    server.shut_down()
    server.join()


def test_the_server_stops_during_a_response_that_promised_to_stay(
    serve: Serve, blocking: Blocking
) -> None:
    server: LiveServer = serve(blocking)
    blocking.at_last = lambda: server.engine.server.shutdown()  # type: ignore[attr-defined]
    with server.connect() as client:
        client.send(request("/stream"))
        blocking.journal.next()
        client.send(request("/next"))
        blocking.go_on.set()
        first = client.read_response()
        assert first.body == b"first last"
        assert first.header(b"connection") is None
        second = client.read_response()
        assert second.body == b"/next"
        assert second.header(b"connection") == b"close"
        client.assert_closed()
    server.shut_down()
    server.join()
