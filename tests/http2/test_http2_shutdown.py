"""The end of an HTTP/2 connection: a stop, times that are over, clients that go."""

import pytest
from support.apps import Gate, Journal, Receive, Scope, Send, Stream, read_body, respond
from support.http2 import Http2Client, Http2WebSocket, frame
from support.server import Serve
from support.ws import CLOSE, close_payload


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await read_body(receive)
    await respond(send, b"hello")


def test_a_stop_answers_what_runs_and_ends_idle_connections(serve: Serve) -> None:
    gate, journal = Gate(), Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add(scope["path"])
        await gate.wait()
        await respond(send, b"hello")

    server = serve(application)
    idle, busy = Http2Client(server.connect()), Http2Client(server.connect())
    idle.until(lambda: idle.settings_seen)
    stream = busy.request("/slow")
    assert journal.next() == "/slow"
    server.shut_down()
    busy.until(lambda: busy.goaway is not None)
    gate.open()
    response = busy.responses[stream]
    busy.read_to_end()
    assert (response.status, response.body, response.is_whole) == (200, b"hello", True)
    idle.read_to_end()
    assert (busy.goaway, idle.goaway) == (0, 0)
    server.join()


def test_a_stop_waits_for_no_body_that_nobody_wants(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, b"enough")

    server = serve(application)
    client = Http2Client(server.connect())
    stream = client.request(method="POST", ends=False)
    client.until(lambda: client.has_ended(stream))
    server.stop()


def test_a_stop_closes_websockets_with_1012(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        journal.add((await receive())["code"])

    server = serve(application)
    client = Http2Client(server.connect())
    sockets = [Http2WebSocket(client) for _ in range(3)]
    server.shut_down()
    for socket in sockets:
        assert socket.read_frame().payload == close_payload(1012)
        if socket.response.reset is None:  # A server that stops waits a second for it.
            socket.send_frame(CLOSE, close_payload(1012))
            socket.end()
        assert journal.next() == 1012
    client.read_to_end()
    server.join()


def test_an_idle_connection_ends(serve: Serve) -> None:
    client = Http2Client(serve(hello, keep_alive_timeout=0.05).connect())
    assert client.get().body == b"hello"
    client.read_to_end()
    assert client.goaway == 0


def test_half_a_head_times_out(serve: Serve) -> None:
    client = Http2Client(serve(hello, header_timeout=0.05).connect())
    client.raw.offer(frame(1, 0, 1, b"\x82"))
    client.read_to_end()


def test_a_request_that_takes_too_long(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/":
            await respond(send, b"hello")
            return
        await receive()
        journal.add((await receive())["type"])

    client = Http2Client(serve(application, http_timeout=1.5).connect())
    assert client.get("/slow").status == 503
    assert journal.next() == "http.disconnect"
    assert client.get().body == b"hello"


@pytest.mark.plain  # TLS has no half-open connections
def test_a_client_that_only_ends_its_side_gets_the_answers(serve: Serve) -> None:
    gate, journal = Gate(), Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add("begun")
        await gate.wait()
        await respond(send, b"hello")

    client = Http2Client(serve(application).connect())
    client.until(lambda: client.settings_seen)
    stream = client.request()
    assert journal.next() == "begun"
    client.raw.half_close()
    gate.open()
    client.read_to_end()
    response = client.responses[stream]
    assert (response.status, response.body, response.is_whole) == (200, b"hello", True)


@pytest.mark.plain  # TLS has no half-open connections
@pytest.mark.parametrize("late", [False, True])
def test_a_client_that_ends_its_side_is_not_waited_for(serve: Serve, late: bool) -> None:
    """No window will be opened for the rest: of what waits, and of what is sent later."""
    gate, journal = Gate(), Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        if late:
            await gate.wait()
        for _ in range(3):
            await send({"type": "http.response.body", "body": bytes(100_000), "more_body": True})
        journal.add("ended")

    client = Http2Client(serve(application).connect())
    stream = client.request()
    client.held.add(stream)
    response = client.responses[stream]
    client.until(lambda: len(response.body) == (5 if late else 65_535))
    client.raw.half_close()
    gate.open()
    client.read_to_end()
    assert (len(response.body), response.is_whole) == (65_535, False)
    assert response.reset is not None
    assert journal.next() == "ended"


def test_a_stream_to_a_client_that_ends_its_side(serve: Serve) -> None:
    """Nothing is kept for it while a task of the application sends, and another listens."""
    journal = Journal()
    client = Http2Client(serve(Stream(journal, listens=True)).connect())
    stream = client.request()
    client.held.add(stream)
    client.until(lambda: len(client.responses[stream].body) == 65_535)
    client.raw.half_close()
    kind, sent = journal.next()
    assert kind == "http.disconnect"
    assert sent < 500
    assert journal.next() == "ended"
