"""Chunked bodies that are wrong: 400 and close, and the application never sees a whole body.

The error comes after the application has started, which therefore is told with
`http.disconnect`.
"""

import pytest
from support.apps import Journal, Receive, Scope, Send, respond
from support.raw import request
from support.server import Serve

HEAD = request(method="POST", headers=["Transfer-Encoding: chunked"])

WRONG = {
    "no size": b"\r\nhello\r\n0\r\n\r\n",
    "size is not hexadecimal": b"g\r\nhello\r\n0\r\n\r\n",
    "negative size": b"-5\r\nhello\r\n0\r\n\r\n",
    "positive sign": b"+5\r\nhello\r\n0\r\n\r\n",
    "0x before the size": b"0x5\r\nhello\r\n0\r\n\r\n",
    "space before the size": b" 5\r\nhello\r\n0\r\n\r\n",
    "space after the size": b"5 \r\nhello\r\n0\r\n\r\n",
    "tab after the size": b"5\t\r\nhello\r\n0\r\n\r\n",
    "size of 2**64": b"10000000000000000\r\nhello\r\n0\r\n\r\n",
    "size of 2**64 + 5": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "endless size": b"f" * 1000 + b"\r\nhello\r\n0\r\n\r\n",
    "LF after the size": b"5\nhello\r\n0\r\n\r\n",
    "CR after the size": b"5\rhello\r\n0\r\n\r\n",
    "LF after the data": b"5\r\nhello\n0\r\n\r\n",
    "CR after the data": b"5\r\nhello\r0\r\n\r\n",
    "nothing after the data": b"5\r\nhello0\r\n\r\n",
    "longer than its size": b"4\r\nhello\r\n0\r\n\r\n",
    "shorter than its size": b"6\r\nhello\r\n0\r\n\r\n\r\n",
    "LF after the last chunk": b"5\r\nhello\r\n0\n\r\n",
    "bare CR in an extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "LF in an extension": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    "NUL in an extension": b"5;a\0b\r\nhello\r\n0\r\n\r\n",
    "control byte in a trailer": b"5\r\nhello\r\n0\r\nX-A: a\0b\r\n\r\n",
    "bare LF in a trailer": b"5\r\nhello\r\n0\r\nX-A: a\nX-B: b\r\n\r\n",
    "space in a trailer's name": b"5\r\nhello\r\n0\r\nX A: a\r\n\r\n",
    "folded trailer": b"5\r\nhello\r\n0\r\nX-A: a\r\n b\r\n\r\n",
    "no colon in a trailer": b"5\r\nhello\r\n0\r\nX-A\r\n\r\n",
}

FORBIDDEN_TRAILERS = ["Content-Length: 5", "Transfer-Encoding: chunked", "Host: other"]


def reading(journal: Journal) -> object:
    """Return an application that notes its messages and answers a whole body."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        more = True
        while more:
            message = await receive()
            journal.add(message)
            if message["type"] == "http.disconnect":
                return
            more = message.get("more_body", False)
        await respond(send, b"whole")

    return application


def refuse_body(serve: Serve, body: bytes) -> None:
    journal = Journal()
    with serve(reading(journal)).connect() as client:
        client.offer(HEAD + body + request("/hidden"))
        response = client.read_response()
        assert response.status == 400
        assert response.header(b"connection") == b"close"
        client.assert_closed()
    message = journal.next()
    while message["type"] == "http.request":
        assert message["more_body"], "the body was taken for whole"
        message = journal.next()
    assert message == {"type": "http.disconnect"}


@pytest.mark.parametrize("name", WRONG)
def test_wrong(serve: Serve, name: str) -> None:
    refuse_body(serve, WRONG[name])


@pytest.mark.parametrize("line", FORBIDDEN_TRAILERS)
def test_forbidden_trailer(serve: Serve, line: str) -> None:
    """RFC 9110, 6.5.1: what frames or routes a message must not come in its trailers.

    It is refused, or dropped as every trailer is; the application cannot see it either way.
    """
    journal = Journal()
    with serve(reading(journal)).connect() as client:
        client.offer(HEAD + b"5\r\nhello\r\n0\r\n" + line.encode() + b"\r\n\r\n")
        client.offer(request("/after", headers=["Connection: close"]))
        rest = client.read_to_end()
    assert rest.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 200 "))
    assert rest.count(b"HTTP/1.1 ") == (2 if rest.startswith(b"HTTP/1.1 200 ") else 1)


@pytest.mark.parametrize("cut", [b"", b"5", b"5\r\n", b"5\r\nhel", b"5\r\nhello\r\n", b"0\r\n"])
def test_truncated(serve: Serve, cut: bytes) -> None:
    """The end of the connection does not make the body whole."""
    journal = Journal()
    server = serve(reading(journal))
    client = server.connect()
    client.send(HEAD + cut)
    client.half_close()
    client.read_to_end()
    message = journal.next()
    while message["type"] == "http.request":
        assert message["more_body"], "the body was taken for whole"
        message = journal.next()
    assert message == {"type": "http.disconnect"}
    server.wait_idle()


def test_wrong_after_the_response_began(serve: Serve) -> None:
    """No second response: the connection just closes."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        while (message := await receive())["type"] == "http.request":
            assert message["more_body"]
        journal.add(message)

    with serve(application).connect() as client:
        client.send(HEAD + b"5\r\nhello\r\n")
        client.read_until(b"begun")
        client.offer(b"xyz\r\n")
        rest = client.read_to_end()
    assert b"HTTP/1.1" not in rest
    assert not rest.endswith(b"0\r\n\r\n")
    assert journal.next() == {"type": "http.disconnect"}
