"""The server stops with sockets open: 1012 to the clients, the disconnect to the applications."""

import asyncio

from support.apps import Gate, Journal, Receive, Scope, Send, recording_websocket
from support.raw import request
from support.server import Serve
from support.ws import upgrade


def test_open_websockets(serve: Serve) -> None:
    """RFC 6455's registry: 1012 is "service restart"; the application gets the same code."""
    journal = Journal()
    server = serve(recording_websocket(journal))
    clients = [server.websocket() for _ in range(5)]
    server.shut_down()
    for client in clients:
        assert client.read_close()[0] == 1012
        client.answer_stop()
        client.assert_closed()
    assert [journal.next()["code"] for _ in clients] == [1012] * 5
    server.join()


def test_message_on_its_way_is_still_delivered(serve: Serve) -> None:
    gate, journal = Gate(), Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        journal.add((await receive())["text"])
        await gate.wait()
        journal.add((await receive())["type"])

    server = serve(application)
    with server.websocket() as client:
        client.send_text("before")
        assert journal.next() == "before"
        server.shut_down()
        assert client.read_close()[0] == 1012
        gate.open()
        assert journal.next() == "websocket.disconnect"
        client.answer_stop()
        client.assert_closed()
    server.join()


def test_client_that_does_not_answer_the_close(serve: Serve) -> None:
    """It cannot hold up the end of the process longer than the grace it gets."""
    journal = Journal()
    server = serve(recording_websocket(journal), application_close_timeout=0.5)
    with server.websocket() as client:
        server.shut_down(grace=15)
        assert client.read_close()[0] == 1012
        assert journal.next()["code"] == 1012
        client.read_to_end(timeout=15)
    server.join()


def test_handshake_in_progress(serve: Serve) -> None:
    """It is refused, and does not hang."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        journal.add("connecting")
        journal.add((await receive())["type"])

    server = serve(application)
    with server.websocket_connect() as client:
        client.send(upgrade())
        assert journal.next() == "connecting"
        server.shut_down()
        assert journal.next() == "websocket.disconnect"
        assert client.read_response().status == 503
        client.assert_closed()
    server.join()


def test_application_that_sends_meanwhile(serve: Serve) -> None:
    """Its next send tells it; nothing is sent behind the close frame."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            while True:
                await send({"type": "websocket.send", "text": "tick"})
                await asyncio.sleep(0.01)
        except OSError:
            journal.add((await receive())["code"])

    server = serve(application)
    with server.websocket() as client:
        assert client.read_text() == "tick"
        server.shut_down()
        while (frame := client.read_frame()).payload == b"tick":
            pass
        assert frame.payload[:2] == (1012).to_bytes(2)
        client.answer_stop()
        client.assert_closed()
    assert journal.next() == 1012
    server.join()


def test_abort_ends_everything_now(serve: Serve) -> None:
    """What a second signal does: connections close, applications are cancelled."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
        journal.add("ready")
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            journal.add("cancelled")
            raise

    server = serve(application)
    socket, plain = server.websocket(), server.connect()
    plain.send(request())
    assert [journal.next(), journal.next()] == ["ready", "ready"]
    server.call(server.engine.abort)
    assert [journal.next(), journal.next()] == ["cancelled", "cancelled"]
    socket.read_to_end()
    plain.read_to_end()
    server.wait_idle()
