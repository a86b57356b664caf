"""Which connections stay open after a response, and which do not (RFC 9112, 9.3)."""

import pytest
from support.apps import Receive, Scope, Send, echo_body, echo_path, hello, respond
from support.raw import request
from support.server import Serve


def test_connection_is_used_again(serve: Serve) -> None:
    with serve(hello).connect() as client:
        for _ in range(3):
            client.send(request())
            response = client.read_response()
            assert response.status == 200
            assert response.body == b"hello"
            assert response.version == b"HTTP/1.1"
            assert response.header(b"connection") is None


@pytest.mark.parametrize("value", ["close", "Close", "foo, close", "close , foo", "foo,,CLOSE"])
def test_client_asks_for_close(serve: Serve, value: str) -> None:
    with serve(hello).connect() as client:
        client.send(request(headers=[f"Connection: {value}"]))
        response = client.read_response()
        assert response.body == b"hello"
        assert response.header(b"connection") == b"close"
        client.assert_closed()


def test_close_in_the_second_connection_header(serve: Serve) -> None:
    with serve(hello).connect() as client:
        client.send(request(headers=["Connection: foo", "Connection: close"]))
        assert client.read_response().header(b"connection") == b"close"
        client.assert_closed()


def test_names_that_only_contain_close_do_not_close(serve: Serve) -> None:
    with serve(hello).connect() as client:
        client.send(request(headers=["Connection: disclosed, closed"]) + request())
        assert client.read_response().body == b"hello"
        assert client.read_response().body == b"hello"


def test_http_1_0_closes(serve: Serve) -> None:
    with serve(hello).connect() as client:
        client.send(request(version="1.0"))
        assert client.read_response().body == b"hello"
        client.assert_closed()


@pytest.mark.parametrize("value", ["keep-alive", "Keep-Alive", "foo, keep-alive"])
def test_http_1_0_keeps_alive_when_asked_to(serve: Serve, value: str) -> None:
    with serve(hello).connect() as client:
        for _ in range(2):
            client.send(request(version="1.0", headers=[f"Connection: {value}"]))
            response = client.read_response()
            assert response.body == b"hello"
            assert (response.header(b"connection") or b"").lower() == b"keep-alive"


def test_application_asks_for_close(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"connection", b"close"), (b"content-length", b"4")]
        await respond(send, b"last", headers=headers)

    with serve(application).connect() as client:
        client.send(request())
        response = client.read_response()
        assert response.body == b"last"
        assert response.header(b"connection") == b"close"
        client.assert_closed()


def test_unread_body_does_not_become_the_next_request(serve: Serve) -> None:
    """The rest of a body that the application did not want is skipped."""
    with serve(echo_path).connect() as client:
        client.send(request("/first", method="POST", body=request("/inside")))
        assert client.read_response().body == b"/first"
        client.offer(request("/after", headers=["Connection: close"]))
        assert client.read_response().body == b"/after"
        client.assert_closed()


def test_large_unread_body_then_next_request(serve: Serve) -> None:
    """A client that sends the whole body before it reads still gets its answer."""
    with serve(hello).connect() as client:
        client.offer(request(method="POST", body=b"x" * 300_000))
        assert client.read_response().body == b"hello"


def test_bodies_between_requests(serve: Serve) -> None:
    with serve(echo_body).connect() as client:
        for size in (0, 1, 70_000, 3):
            body = bytes(range(256)) * (size // 256 + 1)
            client.send(request(method="POST", body=body[:size]))
            assert client.read_response().body == body[:size]


def test_empty_lines_before_a_request_are_ignored(serve: Serve) -> None:
    """RFC 9112, 2.2: a server should ignore at least one empty line before the request line."""
    with serve(hello).connect() as client:
        client.send(b"\r\n" + request())
        assert client.read_response().body == b"hello"
        client.send(b"\r\n" + request())
        assert client.read_response().body == b"hello"
