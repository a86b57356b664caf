"""What ends a WebSocket on which nothing moves, or that has lasted long enough."""

import asyncio

import pytest
from support.apps import Gate, Journal, Receive, Scope, Send, echo_websocket, recording_websocket
from support.engines import ClientDisconnected
from support.server import Serve
from support.ws import upgrade


def test_application_that_does_not_answer_the_handshake(serve: Serve) -> None:
    """As daphne: the connection is refused with 403."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        journal.add((await receive())["type"])

    server = serve(application, websocket_connect_timeout=0.3)
    with server.websocket_connect() as client:
        client.send(upgrade())
        assert client.read_response().status == 403
    assert journal.next() == "websocket.disconnect"
    server.wait_idle()


def test_accept_that_comes_too_late(serve: Serve) -> None:
    journal, gate = Journal(), Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await gate.wait()
        try:
            await send({"type": "websocket.accept"})
        except ClientDisconnected:
            journal.add("gone")

    server = serve(application, websocket_connect_timeout=0.3)
    with server.websocket_connect() as client:
        client.send(upgrade())
        assert client.read_response().status == 403
        gate.open()
        assert journal.next() == "gone"
    server.wait_idle()


def test_connect_timeout_ends_with_the_accept(serve: Serve) -> None:
    with serve(echo_websocket, websocket_connect_timeout=1.0).websocket() as client:
        assert client.is_silent(1.5)
        client.send_text("still here")
        assert client.read_text() == "still here"


def test_http_timeouts_are_not_for_websockets(serve: Serve) -> None:
    options = {"http_timeout": 1.0, "keep_alive_timeout": 1.0, "header_timeout": 1.0}
    with serve(echo_websocket, **options).websocket() as client:
        assert client.is_silent(1.5)
        client.send_text("still here")
        assert client.read_text() == "still here"


def test_lifetime(serve: Serve) -> None:
    """It ends however much is going on, as daphne does it: with an ordinary close."""
    journal = Journal()
    server = serve(recording_websocket(journal), websocket_timeout=0.5)
    with server.websocket() as client:
        while client.is_silent(0.05):
            client.send_text("busy")
        code, _ = client.read_close()
        assert code in (1000, 1001)
        client.send_close(code)
        client.assert_closed()
    while (message := journal.next())["type"] != "websocket.disconnect":
        pass
    assert message["code"] == code
    server.wait_idle()


@pytest.mark.parametrize("connected", [False, True], ids=["connecting", "open"])
def test_application_that_ignores_the_end_is_cancelled(serve: Serve, connected: bool) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        if connected:
            await send({"type": "websocket.accept"})
        journal.add("ready")
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            journal.add("cancelled")
            raise

    server = serve(application, application_close_timeout=0.3)
    client = server.websocket_connect()
    client.send(upgrade())
    assert journal.next() == "ready"
    client.close()
    assert journal.next() == "cancelled"
    server.wait_idle()


def test_application_has_time_to_clean_up(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        await asyncio.sleep(0.3)
        journal.add("clean")

    server = serve(application)
    server.websocket().finish()
    assert journal.next() == "clean"
    server.wait_idle()


def test_vanishing_before_the_accept(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        journal.add("connecting")
        journal.add(await receive())

    server = serve(application)
    client = server.websocket_connect()
    client.send(upgrade())
    assert journal.next() == "connecting"
    client.close()
    assert journal.next()["code"] == 1006
    server.wait_idle()


def test_many_vanish_at_once(serve: Serve) -> None:
    journal = Journal()
    server = serve(recording_websocket(journal))
    clients = [server.websocket() for _ in range(100)]
    for number, client in enumerate(clients):
        client.reset() if number % 2 else client.close()
    assert [journal.next()["code"] for _ in clients] == [1006] * 100
    server.wait_idle()
