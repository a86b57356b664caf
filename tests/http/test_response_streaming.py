"""Responses in parts: their framing, their order with what the application does, back-pressure."""

import asyncio

import pytest
from support.apps import Gate, Journal, Receive, Scope, Send, respond
from support.raw import request
from support.server import Serve

BLOCK = bytes(256 * 1024)


def in_parts(*parts: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> object:
    """Return an application that answers with these parts, each in a message of its own."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers or []})
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})

    return application


def test_unknown_length_is_chunked(serve: Serve) -> None:
    with serve(in_parts(b"one", b"two", b"three")).connect() as client:
        for _ in range(2):
            client.send(request())
            response = client.read_response()
            assert response.header(b"transfer-encoding") == b"chunked"
            assert response.header(b"content-length") is None
            assert response.body == b"onetwothree"


def test_empty_part_does_not_end_the_body(serve: Serve) -> None:
    with serve(in_parts(b"", b"one", b"", b"two", b"")).connect() as client:
        client.send(request() + request())
        assert client.read_response().body == b"onetwo"
        assert client.read_response().body == b"onetwo"


def test_known_length_is_not_chunked(serve: Serve) -> None:
    server = serve(in_parts(b"one", b"two", headers=[(b"content-length", b"6")]))
    with server.connect() as client:
        client.send(request() + request())
        for _ in range(2):
            response = client.read_response()
            assert response.header(b"transfer-encoding") is None
            assert response.body == b"onetwo"


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"6")]])
def test_http_1_0_is_not_chunked(serve: Serve, headers: list[tuple[bytes, bytes]]) -> None:
    with serve(in_parts(b"one", b"two", headers=headers)).connect() as client:
        client.send(request(version="1.0"))
        response = client.read_response()
        assert response.header(b"transfer-encoding") is None
        assert response.body == b"onetwo"
        client.assert_closed()


def test_http_1_0_keep_alive_without_length_closes(serve: Serve) -> None:
    """Only the end of the connection can end such a body, whatever the client hoped for."""
    with serve(in_parts(b"one", b"two")).connect() as client:
        client.send(request(version="1.0", headers=["Connection: keep-alive"]))
        response = client.read_response()
        assert response.header(b"connection") == b"close"
        assert response.body == b"onetwo"


def test_application_asks_for_chunked_itself(serve: Serve) -> None:
    """The header is not repeated, and the parts are coded once."""
    server = serve(in_parts(b"one", b"two", headers=[(b"transfer-encoding", b"chunked")]))
    with server.connect() as client:
        client.send(request() + request())
        for _ in range(2):
            response = client.read_response()
            assert response.header(b"transfer-encoding") == b"chunked"
            assert response.body == b"onetwo"


def test_part_is_on_the_wire_while_the_application_goes_on(serve: Serve) -> None:
    gate = Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"now", "more_body": True})
        await gate.wait()
        await send({"type": "http.response.body", "body": b"later"})

    with serve(application).connect() as client:
        client.send(request())
        head = client.read_head()
        assert head.status == 200
        assert client.read_until(b"now")
        assert client.read_until(b"\r\n") == b"\r\n"
        assert client.is_silent(0.1)
        gate.open()
        assert client.read_until(b"later")
        client.read_until(b"0\r\n\r\n")


def test_head_waits_for_the_first_body_message(serve: Serve) -> None:
    """ASGI: the response must not begin before the first body message."""
    started, gate = Journal(), Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        started.add(True)
        await gate.wait()
        await send({"type": "http.response.body", "body": b"body"})

    with serve(application).connect() as client:
        client.send(request())
        assert started.next()
        assert client.is_silent(0.1)
        gate.open()
        assert client.read_response().body == b"body"


def test_more_than_the_content_length(serve: Serve) -> None:
    """The application is told, the surplus is never sent, the connection is not used again."""
    server = serve(in_parts(b"four", b"five!", headers=[(b"content-length", b"4")]))
    with server.connect() as client:
        client.send(request() + request())
        rest = client.read_to_end()
    assert b"five!" not in rest
    assert rest.count(b"HTTP/1.1 ") == 1
    server.reports.expect("GET /")


def test_more_than_the_content_length_at_once(serve: Serve) -> None:
    server = serve(in_parts(b"too much", headers=[(b"content-length", b"3")]))
    with server.connect() as client:
        client.send(request() + request())
        rest = client.read_to_end()
    assert b" much" not in rest
    assert rest.count(b"HTTP/1.1 ") == 1
    server.reports.expect("GET /")


def test_less_than_the_content_length(serve: Serve) -> None:
    """The client must not take the next response for the missing bytes: closed, and reported."""
    server = serve(in_parts(b"short", headers=[(b"content-length", b"10")]))
    with server.connect() as client:
        client.send(request() + request())
        rest = client.read_to_end()
    assert rest.count(b"HTTP/1.1 ") == 1
    server.reports.expect("GET /")


@pytest.mark.parametrize("value", [b"abc", b"-1", b"+1", b"1 1", b"", b"99999999999999999999999"])
def test_content_length_that_is_none(serve: Serve, value: bytes) -> None:
    server = serve(in_parts(b"x", headers=[(b"content-length", value)]))
    assert server.get().status == 500
    server.reports.expect("GET /")


def count_until_quiet(journal: Journal) -> int:
    """Return how many entries there are, once one has come and no more come for a while."""
    journal.next()
    count = 1
    try:
        while True:
            journal.next(timeout=0.5)
            count += 1
    except AssertionError:
        return count


def test_send_waits_for_a_slow_client(serve: Serve) -> None:
    count = 200
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        for number in range(count):
            await send({"type": "http.response.body", "body": BLOCK, "more_body": True})
            journal.add(number)
        await send({"type": "http.response.body"})

    with serve(application).connect(receive_buffer=65536) as client:
        client.send(request())
        assert 0 < count_until_quiet(journal) < count, (
            "the server took a response that nobody reads"
        )
        assert client.read_response().body == BLOCK * count


def test_send_that_waits_ends_when_the_client_leaves(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200})
        leaving = asyncio.ensure_future(receive())
        while not leaving.done():
            await send({"type": "http.response.body", "body": BLOCK, "more_body": True})
            journal.add("sent")
        journal.add(leaving.result()["type"])

    server = serve(application)
    client = server.connect(receive_buffer=65536)
    client.send(request())
    count_until_quiet(journal)
    client.reset()
    while (entry := journal.next()) == "sent":
        pass
    assert entry == "http.disconnect"
    server.wait_idle()


def test_other_requests_go_on_while_one_waits(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/large":
            await respond(send, BLOCK * 100)
        else:
            await respond(send, b"small")

    server = serve(application)
    slow = server.connect(receive_buffer=65536)
    slow.send(request("/large"))
    assert slow.read_head().status == 200
    for _ in range(3):
        assert server.get("/small").body == b"small"


def test_large_response_in_one_message(serve: Serve) -> None:
    body = bytes(range(256)) * 65536

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, body, headers=[(b"content-length", str(len(body)).encode())])

    with serve(application).connect() as client:
        client.send(request() + request())
        assert client.read_response().body == body
        assert client.read_response().body == body


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_body_of_other_bytes_types(serve: Serve, kind: type) -> None:
    """A body that can change later is sent as it was, or refused; never garbled."""
    outcome = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        body = bytearray(b"before")
        try:
            await respond(send, kind(body))
        except TypeError:
            outcome.add(500)
            raise
        outcome.add(200)
        body[:] = b"after!"
        await asyncio.sleep(0)

    server = serve(application)
    response = server.get()
    assert response.status == outcome.next()
    if response.status == 200:
        assert response.body == b"before"
    else:
        server.reports.expect("GET /")
