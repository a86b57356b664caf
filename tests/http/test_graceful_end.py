"""The server stops with plain connections open: what runs is finished, the rest is closed."""

from support.apps import Gate, Journal, Receive, Scope, Send, respond
from support.raw import request
from support.server import Serve


def test_plain_requests_are_finished(serve: Serve) -> None:
    """A running request gets its whole answer, and is told that no more will be answered."""
    journal, gate = Journal(), Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add("running")
        await gate.wait()
        await respond(send, b"finished")

    server = serve(application)
    running, idle = server.connect(), server.connect()
    running.send(request())
    assert journal.next() == "running"
    server.shut_down()
    idle.assert_closed()
    gate.open()
    response = running.read_response()
    assert response.body == b"finished"
    assert response.header(b"connection") == b"close"
    running.assert_closed()
    server.join()


def test_response_that_has_begun_is_finished(serve: Serve) -> None:
    gate = Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"first ", "more_body": True})
        await gate.wait()
        await send({"type": "http.response.body", "body": b"last"})

    server = serve(application)
    with server.connect() as client:
        client.send(request())
        assert client.read_head().status == 200
        client.read_until(b"first ")
        server.shut_down()
        gate.open()
        assert client.read_to_end().endswith(b"4\r\nlast\r\n0\r\n\r\n")
    server.join()


def test_idle_connections_are_closed_at_once(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, b"hello")

    server = serve(application)
    used, unused = server.connect(), server.connect()
    used.send(request())
    assert used.read_response().body == b"hello"
    server.shut_down()
    used.assert_closed()
    unused.assert_closed()
    server.join()
