"""WebSocket applications that fail: 500 before accept, 1011 after it, and a log that says why."""

import asyncio

import pytest
from support.apps import Application, Gate, Journal, Receive, Scope, Send, echo_websocket
from support.reports import wait_until
from support.server import LiveServer, Serve
from support.ws import upgrade


class Broken(Exception):
    """What the applications here raise."""


def assert_unharmed(server: LiveServer) -> None:
    """Check that the server still accepts, and that nothing of the failure is left."""
    with server.websocket("/fine") as client:
        client.send_text("hello")
        assert client.read_text() == "hello"
        client.finish()
    server.wait_idle()


def failing(how: str) -> Application:
    """Return an application that fails in this way, except on /fine."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/fine":
            return await echo_websocket(scope, receive, send)
        if how == "at once":
            raise Broken
        await receive()
        if how == "in connect":
            raise Broken
        await send({"type": "websocket.accept"})
        if how == "after accept":
            raise Broken
        message = await receive()
        if how == "in receive":
            raise Broken
        if how == "after the close":
            await send({"type": "websocket.close", "code": 4000})
            raise Broken
        assert message["type"] == "websocket.disconnect"
        raise Broken

    return application


@pytest.mark.parametrize("how", ["at once", "in connect"])
def test_before_accept(serve: Serve, how: str) -> None:
    server = serve(failing(how))
    with server.websocket_connect() as client:
        client.send(upgrade("/boom"))
        response = client.read_response()
        assert response.status == 500
        assert b"Broken" not in response.body
    report = server.reports.expect("/boom", "Traceback", exception=Broken)
    assert "application" in report.text
    assert_unharmed(server)


@pytest.mark.parametrize("how", ["after accept", "in receive"])
def test_after_accept(serve: Serve, how: str) -> None:
    server = serve(failing(how))
    with server.websocket("/boom") as client:
        client.send_text("go")
        assert client.read_close()[0] == 1011
        client.send_close(1011)
        client.assert_closed()
    server.reports.expect("/boom", "Traceback", exception=Broken)
    assert_unharmed(server)


def test_in_disconnect(serve: Serve) -> None:
    server = serve(failing("in disconnect"))
    server.websocket("/boom").finish(3000)
    server.reports.expect("/boom", "Traceback", exception=Broken)
    assert_unharmed(server)


def test_after_its_own_close(serve: Serve) -> None:
    """The close that was sent stands."""
    server = serve(failing("after the close"))
    with server.websocket("/boom") as client:
        client.send_text("go")
        assert client.read_close()[0] == 4000
        client.send_close(4000)
        client.assert_closed()
    server.reports.expect("/boom", "Traceback", exception=Broken)
    assert_unharmed(server)


def test_messages_sent_before_the_failure_arrive(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "last words"})
        raise Broken

    server = serve(application)
    with server.websocket() as client:
        assert client.read_text() == "last words"
        assert client.read_close()[0] == 1011
    server.reports.expect(exception=Broken)


def test_returns_without_close(serve: Serve) -> None:
    """The WebSocket does not stay open without anybody behind it."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})

    server = serve(application)
    with server.websocket("/gone") as client:
        assert client.read_close()[0] == 1011
        client.send_close(1011)
        client.assert_closed()
    server.reports.expect("/gone")
    server.wait_idle()


@pytest.mark.parametrize("receives", [False, True])
def test_returns_without_answering(serve: Serve, receives: bool) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if receives:
            await receive()

    server = serve(application)
    with server.websocket_connect() as client:
        client.send(upgrade("/gone"))
        assert client.read_response().status == 500
    server.reports.expect("/gone")
    server.wait_idle()


def test_returns_within_a_denial_response(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.http.response.start", "status": 401})

    server = serve(application)
    with server.websocket_connect() as client:
        client.send(upgrade("/half"))
        assert client.read_response().status == 500
    server.reports.expect("/half")


def test_cancels_itself(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        raise asyncio.CancelledError

    server = serve(application)
    with server.websocket("/cancel") as client:
        assert client.read_close()[0] == 1011
    server.reports.expect("/cancel")


def test_disconnect_that_comes_out_of_the_application_is_no_error(serve: Serve) -> None:
    """ASGI 2.4: the server must not log an exception that it raised itself in send."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        journal.add(await receive())
        await send({"type": "websocket.send", "text": "too late"})
        journal.add("never")

    server = serve(application)
    server.websocket().finish(3000)
    assert journal.next()["code"] == 3000
    server.wait_idle()
    assert journal.rest() == []


@pytest.mark.parametrize("leave", ["close", "reset"])
@pytest.mark.parametrize("receives", [False, True], ids=["at once", "after the disconnect"])
@pytest.mark.parametrize("kind", ["accept", "close", "http.response.start"])
def test_answer_to_a_client_that_has_gone_is_no_error(
    serve: Serve, kind: str, receives: bool, leave: str
) -> None:
    """The client leaves before it is answered; the application lets ClientDisconnected out."""
    journal, gate = Journal(), Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        journal.add("connecting")
        await gate.wait()
        if receives:
            await receive()
        await send({"type": f"websocket.{kind}", "status": 401})

    server = serve(application)
    client = server.websocket_connect()
    client.send(upgrade())
    assert journal.next() == "connecting"
    getattr(client, leave)()
    wait_until(lambda: server.count()[0] == 0, "the connection is not noticed to be gone")
    gate.open()
    server.wait_idle()


def test_failing_many_times(serve: Serve) -> None:
    server = serve(failing("in receive"))
    for _ in range(30):
        with server.websocket("/boom") as client:
            client.send_text("go")
            assert client.read_close()[0] == 1011
        server.reports.expect("/boom", exception=Broken)
    assert_unharmed(server)
