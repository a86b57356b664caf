"""`Expect: 100-continue` (RFC 9110, 10.1.1): the client waits until its body is wanted."""

import pytest
from support.apps import Gate, Receive, Scope, Send, echo_body, hello, read_body, respond
from support.raw import request
from support.server import Serve

HEAD = request(method="POST", headers=["Expect: 100-continue", "Content-Length: 4"])


@pytest.mark.parametrize("expect", ["100-continue", "100-Continue"])
def test_continue_when_the_application_reads(serve: Serve, expect: str) -> None:
    with serve(echo_body).connect() as client:
        client.send(request(method="POST", headers=[f"Expect: {expect}", "Content-Length: 4"]))
        assert client.read_response().status == 100
        client.send(b"body")
        response = client.read_response()
        assert (response.status, response.body) == (200, b"body")


def test_no_continue_before_the_application_reads(serve: Serve) -> None:
    gate = Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await gate.wait()
        await respond(send, await read_body(receive))

    with serve(application).connect() as client:
        client.send(HEAD)
        assert client.is_silent(0.1)
        gate.open()
        assert client.read_response().status == 100
        client.send(b"body")
        assert client.read_response().body == b"body"


def test_answer_without_reading(serve: Serve) -> None:
    """The final response comes without 100, and a body that does not come is not waited for."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, b"too large", status=413)

    with serve(application).connect() as client:
        client.send(HEAD)
        response = client.read_response()
        assert (response.status, response.body) == (413, b"too large")


def test_only_one_continue(serve: Serve) -> None:
    with serve(echo_body).connect() as client:
        client.send(HEAD)
        assert client.read_response().status == 100
        client.dribble(b"body")
        assert client.read_response().status == 200


def test_chunked_body(serve: Serve) -> None:
    with serve(echo_body).connect() as client:
        headers = ["Expect: 100-continue", "Transfer-Encoding: chunked"]
        client.send(request(method="POST", headers=headers))
        assert client.read_response().status == 100
        client.send(b"4\r\nbody\r\n0\r\n\r\n")
        assert client.read_response().body == b"body"


def test_body_came_without_waiting(serve: Serve) -> None:
    """The 100 may then be left out, or not; the answer is the same."""
    with serve(echo_body).connect() as client:
        client.send(HEAD + b"body")
        response = client.read_response()
        if response.status == 100:
            response = client.read_response()
        assert response.body == b"body"


def test_http_1_0_has_no_continue(serve: Serve) -> None:
    """RFC 9110, 10.1.1: a server must ignore the expectation in an HTTP/1.0 request."""
    with serve(echo_body).connect() as client:
        headers = ["Expect: 100-continue", "Content-Length: 4"]
        client.send(request(method="POST", version="1.0", headers=headers))
        assert client.is_silent(0.1)
        client.send(b"body")
        assert client.read_response().body == b"body"


def test_next_request_after_a_continued_one(serve: Serve) -> None:
    with serve(echo_body).connect() as client:
        for _ in range(2):
            client.send(HEAD)
            assert client.read_response().status == 100
            client.send(b"body")
            assert client.read_response().body == b"body"


def test_request_without_a_body_gets_no_continue(serve: Serve) -> None:
    with serve(hello).connect() as client:
        client.send(request(headers=["Expect: 100-continue"]))
        assert client.read_response().status == 200
