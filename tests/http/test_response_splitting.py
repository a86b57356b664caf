"""What an application must not send never reaches the wire; the application gets the error."""

from typing import Any

import pytest
from support.apps import Application, Receive, Scope, Send
from support.raw import request
from support.server import Serve
from support.ws import upgrade

BAD_VALUES = [b"a\r\nX-Evil: 1", b"a\nX-Evil: 1", b"a\rX-Evil: 1", b"a\0b", b"\r\n", b"\n", b"\0"]
BAD_NAMES = [
    b"",
    b"x:y",
    b"x y",
    b"x\r\nevil",
    b"x\n",
    b"\r",
    b"x\0",
    b" x",
    b"x ",
    b"x\t",
    b"\xe9",
]


def answering(start: dict[str, Any]) -> Application:
    """Return an application that starts its response with exactly this message."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, **start})
        await send({"type": "http.response.body", "body": b"body"})

    return application


def assert_error_500(serve: Serve, start: dict[str, Any]) -> None:
    server = serve(answering(start))
    with server.connect() as client:
        client.send(request(headers=["Connection: close"]))
        rest = client.read_to_end()
    assert rest.startswith(b"HTTP/1.1 500 "), rest
    assert rest.count(b"HTTP/1.1 ") == 1
    assert b"evil" not in rest.lower()
    server.reports.expect("GET /")


@pytest.mark.parametrize("value", BAD_VALUES)
def test_value(serve: Serve, value: bytes) -> None:
    assert_error_500(serve, {"headers": [(b"x-good", b"1"), (b"x-bad", value)]})


@pytest.mark.parametrize("name", BAD_NAMES)
def test_name(serve: Serve, name: bytes) -> None:
    assert_error_500(serve, {"headers": [(name, b"value")]})


@pytest.mark.parametrize("name", [b"content-length", b"transfer-encoding", b"connection", b"date"])
def test_value_of_a_header_the_server_knows(serve: Serve, name: bytes) -> None:
    assert_error_500(serve, {"headers": [(name, b"4\r\nX-Evil: 1")]})


@pytest.mark.parametrize(
    "headers",
    [
        [("x-text", "value")],
        [(b"x-text", "value")],
        [("x-text", b"value")],
        [(b"x-number", 1)],
        [(b"x-none", None)],
        [(b"too", b"many", b"parts")],
        [(b"one",)],
        [b"x-line: value"],
        [None],
        7,
    ],
)
def test_headers_of_wrong_types(serve: Serve, headers: object) -> None:
    assert_error_500(serve, {"headers": headers})


@pytest.mark.parametrize("status", ["200", None, 99, 1000, -1, 0, 200.5, 2**70, b"200"])
def test_status_that_is_none(serve: Serve, status: object) -> None:
    assert_error_500(serve, {"status": status})


def test_application_catches_the_error_and_answers_properly(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        with pytest.raises((ValueError, RuntimeError)):
            await answering({"headers": [(b"x-bad", b"a\r\nb")]})(scope, receive, send)
        await answering({"headers": [(b"x-good", b"1")]})(scope, receive, send)

    response = serve(application).get()
    assert response.status == 200
    assert response.header(b"x-good") == b"1"
    assert response.header(b"x-bad") is None


@pytest.mark.parametrize("message", ["websocket.accept", "websocket.http.response.start"])
@pytest.mark.parametrize("value", BAD_VALUES)
def test_websocket_headers(serve: Serve, message: str, value: bytes) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": message, "status": 403, "headers": [(b"x-bad", value)]})
        await send({"type": "websocket.http.response.body", "body": b""})

    assert_handshake_500(serve, application)


@pytest.mark.parametrize("subprotocol", ["a\r\nX-Evil: 1", "a\nb", "a\0", "a b", "é", "a,b"])
def test_websocket_subprotocol(serve: Serve, subprotocol: str) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept", "subprotocol": subprotocol})

    assert_handshake_500(serve, application)


def assert_handshake_500(serve: Serve, application: Application) -> None:
    server = serve(application)
    with server.websocket_connect() as client:
        client.send(upgrade())
        rest = client.read_to_end()
    assert rest.startswith(b"HTTP/1.1 500 "), rest
    assert b"evil" not in rest.lower()
    server.reports.expect("/")
