"""What ends a connection or a request on which nothing moves, and what must not.

Nothing here measures how long something took: either it ends, or the deadline of the client fails
the test. What must not end is watched for longer than the timeout, which is so long that a machine
may stand still for a moment between two steps of a test.
"""

import asyncio

import pytest
from support.apps import Gate, Journal, Receive, Scope, Send, echo_body, hello, read_body, respond
from support.raw import RawClient, request
from support.server import Serve

TIMEOUT = 1.0
LONGER = 1.5


def assert_timed_out(client: RawClient) -> None:
    """Check that the server answers what it has of a head with 408, and closes."""
    assert client.read_response().status == 408
    client.assert_closed()


def test_connection_on_which_nothing_comes(serve: Serve) -> None:
    with serve(hello, header_timeout=0.3).connect() as client:
        client.assert_closed()


@pytest.mark.parametrize(
    "sent", [b"G", b"GET / HTTP/1.1\r\n", request()[:-2]], ids=["byte", "line", "head"]
)
def test_head_that_does_not_come(serve: Serve, sent: bytes) -> None:
    with serve(hello, header_timeout=TIMEOUT).connect() as client:
        client.send(sent)
        assert_timed_out(client)


def test_head_that_comes_drop_by_drop(serve: Serve) -> None:
    """Each byte does not give the client a new term."""
    with serve(hello, header_timeout=TIMEOUT).connect() as client:
        client.offer(b"GET / HTTP/1.1\r\nHost: test\r\nX-Slow: ")
        while client.is_silent(0.1):
            client.offer(b"x")
        assert_timed_out(client)


def test_second_head_that_does_not_come_whole(serve: Serve) -> None:
    with serve(hello, header_timeout=TIMEOUT).connect() as client:
        client.send(request())
        assert client.read_response().status == 200
        client.send(b"GET / HT")
        assert_timed_out(client)


def test_header_timeout_is_not_for_bodies(serve: Serve) -> None:
    options = {"header_timeout": TIMEOUT, "keep_alive_timeout": TIMEOUT}
    with serve(echo_body, **options).connect() as client:
        client.send(request(method="POST", headers=["Content-Length: 5"]))
        for byte in (b"s", b"l", b"o", b"w", b"!"):
            assert client.is_silent(LONGER / 5)
            client.send(byte)
        assert client.read_response().body == b"slow!"


def test_header_timeout_is_not_for_applications(serve: Serve) -> None:
    gate = Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await gate.wait()
        await respond(send, b"late")

    options = {"header_timeout": TIMEOUT, "keep_alive_timeout": TIMEOUT}
    with serve(application, **options).connect() as client:
        client.send(request())
        assert client.is_silent(LONGER)
        gate.open()
        assert client.read_response().body == b"late"


def test_idle_connection_is_closed(serve: Serve) -> None:
    with serve(hello, keep_alive_timeout=0.3).connect() as client:
        client.send(request())
        assert client.read_response().status == 200
        client.assert_closed()


def test_idle_time_begins_anew_with_each_request(serve: Serve) -> None:
    server = serve(hello, keep_alive_timeout=3.0)
    with server.connect() as other, server.connect() as client:
        for each in (other, client):
            each.send(request())
            assert each.read_response().status == 200
        while other.is_silent(0.2):
            client.send(request())
            assert client.read_response().status == 200
        other.assert_closed()
        client.send(request())
        assert client.read_response().status == 200


def test_idle_for_four_seconds_by_default(serve: Serve) -> None:
    with serve(hello).connect() as client:
        client.send(request())
        assert client.read_response().status == 200
        assert client.is_silent(4.2)
        client.send(request())
        assert client.read_response().status == 200


def test_none_means_never(serve: Serve) -> None:
    with serve(hello, keep_alive_timeout=None, header_timeout=None).connect() as client:
        assert client.is_silent(0.3)
        client.send(request())
        assert client.read_response().status == 200
        assert client.is_silent(0.3)
        client.send(request())
        assert client.read_response().status == 200


def test_request_that_takes_too_long(serve: Serve) -> None:
    """503; the application is told, and cancelled if that does not help."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        journal.add((await receive())["type"])
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            journal.add("cancelled")
            raise

    server = serve(application, http_timeout=TIMEOUT, application_close_timeout=0.3)
    with server.connect() as client:
        client.send(request())
        response = client.read_response()
        assert response.status == 503
        assert journal.next() == "http.disconnect"
        assert journal.next() == "cancelled"
    server.wait_idle()


def test_response_that_takes_too_long(serve: Serve) -> None:
    """It has begun, so it can only be cut off."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        journal.add(await receive())

    server = serve(application, http_timeout=TIMEOUT)
    with server.connect() as client:
        client.send(request())
        rest = client.read_to_end()
    assert rest.startswith(b"HTTP/1.1 200 ")
    assert b"begun" in rest
    assert not rest.endswith(b"0\r\n\r\n")
    assert journal.next() == {"type": "http.disconnect"}
    server.wait_idle()


def test_upload_that_takes_too_long(serve: Serve) -> None:
    with serve(echo_body_or_leave, http_timeout=0.3).connect() as client:
        client.send(request(method="POST", headers=["Content-Length: 100"]) + b"part")
        assert client.read_response().status in (408, 503)
        client.assert_closed()


async def echo_body_or_leave(scope: Scope, receive: Receive, send: Send) -> None:
    """Wait for the body, and return when it does not come."""
    while (message := await receive())["type"] == "http.request" and message["more_body"]:
        pass


def test_http_timeout_is_for_one_request(serve: Serve) -> None:
    with serve(hello, http_timeout=TIMEOUT).connect() as client:
        for _ in range(4):
            client.send(request())
            assert client.read_response().status == 200
            assert client.is_silent(LONGER / 4)


def test_pipelined_request_has_its_own_time(serve: Serve) -> None:
    gate = Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/wait":
            await gate.wait()
        await respond(send, scope["path"].encode())

    options = {"header_timeout": TIMEOUT, "keep_alive_timeout": TIMEOUT}
    with serve(application, **options).connect() as client:
        client.send(request("/wait") + request("/next"))
        assert client.is_silent(LONGER)
        gate.open()
        assert client.read_response().body == b"/wait"
        assert client.read_response().body == b"/next"
