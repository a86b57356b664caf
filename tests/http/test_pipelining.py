"""Several requests on the wire at once are answered one after the other, in their order."""

import asyncio

from support.apps import Gate, Journal, Receive, Scope, Send, echo_body, echo_path, hello, respond
from support.raw import request
from support.server import Serve


def test_three_in_one_packet(serve: Serve) -> None:
    with serve(echo_path).connect() as client:
        client.send(request("/1") + request("/2") + request("/3"))
        assert [client.read_response().body for _ in range(3)] == [b"/1", b"/2", b"/3"]


def test_many_in_few_packets(serve: Serve) -> None:
    count = 500
    with serve(echo_path).connect() as client:
        client.dribble(b"".join(request(f"/{number}") for number in range(count)), size=1000)
        for number in range(count):
            assert client.read_response().body == b"/%d" % number


def test_byte_by_byte(serve: Serve) -> None:
    with serve(echo_body).connect() as client:
        client.dribble(request(method="POST", body=b"one") + request(method="POST", body=b"two"))
        assert client.read_response().body == b"one"
        assert client.read_response().body == b"two"


def test_every_cut_in_two_packets(serve: Serve) -> None:
    data = request("/a", method="POST", body=b"body") + request("/b")
    server = serve(echo_path)
    for cut in range(1, len(data)):
        with server.connect() as client:
            client.send(data[:cut])
            client.send(data[cut:])
            assert client.read_response().body == b"/a", cut
            assert client.read_response().body == b"/b", cut


def test_quick_second_does_not_overtake_slow_first(serve: Serve) -> None:
    gate = Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/slow":
            await gate.wait()
        await respond(send, scope["path"].encode())

    with serve(application).connect() as client:
        client.send(request("/slow") + request("/quick"))
        assert client.is_silent(0.1)
        gate.open()
        assert client.read_response().body == b"/slow"
        assert client.read_response().body == b"/quick"


def test_streamed_responses_do_not_mix(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(5):
            await asyncio.sleep(0)
            part = b"%s%d " % (scope["path"].encode(), number)
            await send({"type": "http.response.body", "body": part, "more_body": number < 4})

    with serve(application).connect() as client:
        client.send(request("/a") + request("/b"))
        assert client.read_response().body == b"/a0 /a1 /a2 /a3 /a4 "
        assert client.read_response().body == b"/b0 /b1 /b2 /b3 /b4 "


def test_nothing_is_answered_after_close(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add(scope["path"])
        await respond(send)

    with serve(application).connect() as client:
        client.send(request("/last", headers=["Connection: close"]) + request("/never"))
        assert client.read_response().status == 200
        client.assert_closed()
    assert journal.rest() == ["/last"]


def test_bad_request_behind_a_good_one(serve: Serve) -> None:
    """What came before is answered first; then 400, and nothing after it."""
    gate = Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await gate.wait()
        await respond(send, b"good")

    with serve(application).connect() as client:
        client.send(request() + b"BAD REQUEST\r\n\r\n" + request())
        gate.open()
        assert client.read_response().body == b"good"
        assert client.read_response().status == 400
        client.assert_closed()


def test_requests_with_bodies(serve: Serve) -> None:
    bodies = [b"x" * size for size in (10, 0, 100_000, 1)]
    with serve(echo_body).connect() as client:
        client.send(b"".join(request(method="POST", body=body) for body in bodies))
        for body in bodies:
            assert client.read_response().body == body


def test_chunked_and_plain_bodies(serve: Serve) -> None:
    chunked = request(method="POST", headers=["Transfer-Encoding: chunked"])
    chunked += b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"
    with serve(echo_body).connect() as client:
        client.send(chunked + request(method="POST", body=b"plain") + chunked)
        assert [client.read_response().body for _ in range(3)] == [b"abcdefg", b"plain", b"abcdefg"]


def test_client_leaves_with_requests_waiting(serve: Serve) -> None:
    """Requests that nobody waits for any more do no harm to the server."""
    server = serve(hello)
    for _ in range(20):
        client = server.connect()
        client.send(request() * 50)
        client.reset()
    server.wait_idle()
    assert server.get().body == b"hello"
