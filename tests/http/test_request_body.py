"""What `receive()` says about a request's body: streamed, bounded, ended exactly once."""

import threading

import pytest
from support.apps import Gate, Journal, Receive, Scope, Send, hello, read_body, respond
from support.raw import RawClient, request
from support.server import Serve


def offer_until_blocked(client: RawClient, limit: int, patience: float = 0.5) -> int:
    """Send zeros until the server takes no more for a while; return how many it took."""
    client.socket.settimeout(patience)
    block = bytes(262_144)
    sent = 0
    try:
        while sent < limit:
            sent += client.socket.send(block[: limit - sent])
    except TimeoutError:
        pass
    finally:
        client.socket.settimeout(10)
    return sent


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_request_without_body(serve: Serve, method: str) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add(await receive())
        await respond(send)

    headers = ["Content-Length: 0"] if method == "POST" else []
    assert serve(application).exchange(request(method=method, headers=headers)).status == 200
    message = journal.next()
    assert message["type"] == "http.request"
    assert message.get("body", b"") == b""
    assert message.get("more_body", False) is False


def test_body_is_bytes_and_more_body_is_bool(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add(await receive())
        await respond(send)

    serve(application).exchange(request(method="POST", body=b"abc"))
    message = journal.next()
    assert type(message["body"]) is bytes
    assert message["body"] == b"abc"
    assert message.get("more_body", False) in (True, False)


def test_parts_arrive_as_they_come(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        more = True
        while more:
            message = await receive()
            more = message.get("more_body", False)
            journal.add(message.get("body", b""))
        await respond(send, b"done")

    with serve(application).connect() as client:
        client.send(request(method="POST", headers=["Content-Length: 6"]) + b"ab")
        assert journal.next() == b"ab"
        client.send(b"cd")
        assert journal.next() == b"cd"
        client.send(b"ef")
        assert b"".join([journal.next(), *journal.rest()]) == b"ef"
        assert client.read_response().body == b"done"


def test_size_of_one_event_is_bounded(serve: Serve) -> None:
    gate = Gate()
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await gate.wait()
        more, total = True, 0
        while more:
            message = await receive()
            more = message.get("more_body", False)
            total += len(message.get("body", b""))
            journal.add(len(message.get("body", b"")))
        await respond(send, str(total).encode())

    with serve(application, request_buffer_size=10_000).connect() as client:
        client.send(request(method="POST", body=b"x" * 100_000))
        gate.open()
        assert client.read_response().body == b"100000"
    assert max(journal.rest()) <= 10_000


def test_reading_stops_when_the_application_does_not_receive(serve: Serve) -> None:
    size = 64 * 1024 * 1024
    gate = Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await gate.wait()
        more, total = True, 0
        while more:
            message = await receive()
            more = message.get("more_body", False)
            total += len(message.get("body", b""))
        await respond(send, str(total).encode())

    with serve(application).connect() as client:
        client.send(request(method="POST", headers=[f"Content-Length: {size}"]))
        sent = offer_until_blocked(client, size)
        assert sent < size // 2, "the server took a body that nobody receives"
        gate.open()
        client.send(bytes(size - sent))
        assert client.read_response().body == str(size).encode()


def test_unread_body_does_not_stop_the_response(serve: Serve) -> None:
    with serve(hello).connect() as client:
        client.send(request(method="POST", headers=["Content-Length: 1000"]) + b"x" * 10)
        assert client.read_response().body == b"hello"


def test_receive_after_the_body_waits_for_the_disconnect(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add(await read_body(receive))
        journal.add(await receive())

    server = serve(application)
    client = server.connect()
    client.send(request(method="POST", body=b"body"))
    assert journal.next() == b"body"
    assert client.is_silent(0.1)
    assert journal.rest() == []
    client.close()
    assert journal.next() == {"type": "http.disconnect"}


def test_receive_after_the_response_is_a_disconnect(serve: Serve) -> None:
    """`http.disconnect` also says that the response has been sent."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        await respond(send)
        journal.add(await receive())

    with serve(application).connect() as client:
        client.send(request())
        assert client.read_response().status == 200
        assert journal.next() == {"type": "http.disconnect"}
        client.send(request())
        assert client.read_response().status == 200


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_client_leaves_within_the_body(serve: Serve, leave: str) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        while (message := await receive())["type"] == "http.request":
            assert message["more_body"]
            journal.add(message["body"])
        journal.add(message)

    server = serve(application)
    client = server.connect()
    client.send(request(method="POST", headers=["Content-Length: 10"]) + b"part")
    assert journal.next() == b"part"
    getattr(client, leave)()
    assert journal.next() == {"type": "http.disconnect"}
    server.wait_idle()


def test_http_1_0_request_with_a_body(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, await read_body(receive))

    response = serve(application).exchange(request(method="POST", version="1.0", body=b"old"))
    assert response.body == b"old"


def test_bodies_that_end_where_reading_stops(serve: Serve) -> None:
    """The read that brings more than may wait can bring the end, too: the connection goes on."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            journal.add("began")
        await respond(send, b"%d" % len(await read_body(receive)))

    server = serve(application)
    held = threading.Event()
    with server.connect() as client:
        for size in range(262_000, 330_000, 4_000):
            client.send(request(method="POST", headers=[f"Content-Length: {size}"]))
            assert journal.next() == "began"
            held.clear()
            server.loop.call_soon_threadsafe(held.wait, 10)  # until much lies in the socket
            client.offer(bytes(size))
            held.set()
            assert client.read_response().body == b"%d" % size
            client.send(request())
            assert client.read_response().body == b"0"


def test_pieces_of_a_large_body_are_large(serve: Serve) -> None:
    """What has arrived comes in one event: an application may join the pieces one by one."""
    size = 8_000_000

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        body, events, more = b"", 0, True
        while more:
            message = await receive()
            body, events, more = body + message["body"], events + 1, message["more_body"]
        await respond(send, b"%d %d" % (len(body), events))

    with serve(application).connect() as client:
        client.send(request(method="POST", headers=[f"Content-Length: {size}"]))
        client.send(bytes(size))
        length, events = map(int, client.read_response().body.split())
    assert length == size
    assert events <= size // 65_536
