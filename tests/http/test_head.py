"""Responses that have no body on the wire: to HEAD, and with status 204 and 304."""

import pytest
from support.apps import Receive, Scope, Send, respond
from support.raw import request
from support.server import Serve


async def streaming(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a body in parts, its length not said beforehand."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(3):
        await send({"type": "http.response.body", "body": b"part", "more_body": True})
    await send({"type": "http.response.body"})


async def with_length(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with 5 bytes, said beforehand."""
    await respond(send, b"hello", headers=[(b"content-length", b"5")])


async def length_only(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a HEAD as an application should: the length, and no body."""
    await respond(send, headers=[(b"content-length", b"1000")])


@pytest.mark.parametrize("application", [streaming, with_length, length_only])
def test_head_has_no_body(serve: Serve, application: object) -> None:
    with serve(application).connect() as client:
        for _ in range(2):
            client.send(request(method="HEAD"))
            response = client.read_response("HEAD")
            assert response.status == 200
        client.send(request(method="HEAD", headers=["Connection: close"]))
        assert client.read_response("HEAD").status == 200
        client.assert_closed()


def test_head_keeps_the_content_length(serve: Serve) -> None:
    response = serve(length_only).exchange(request(method="HEAD"), "HEAD")
    assert response.header(b"content-length") == b"1000"


def test_head_then_get(serve: Serve) -> None:
    with serve(with_length).connect() as client:
        client.send(request(method="HEAD") + request())
        assert client.read_response("HEAD").header(b"content-length") == b"5"
        assert client.read_response().body == b"hello"


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("body", [b"", b"not allowed here"])
def test_status_without_body(serve: Serve, status: int, body: bytes) -> None:
    """RFC 9112, 6.3: such a response ends with its head, whatever the application sends."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, body, status=status)

    with serve(application).connect() as client:
        client.send(request() + request(headers=["Connection: close"]))
        response = client.read_response()
        assert response.status == status
        assert response.header(b"transfer-encoding") is None
        if status == 204:
            assert response.header(b"content-length") is None
        assert client.read_response().status == status
        client.assert_closed()


def test_head_in_http_1_0(serve: Serve) -> None:
    with serve(streaming).connect() as client:
        client.send(request(method="HEAD", version="1.0"))
        response = client.read_response("HEAD")
        assert response.header(b"transfer-encoding") is None
        client.assert_closed()


def test_options_and_other_methods_reach_the_application(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, scope["method"].encode())

    with serve(application).connect() as client:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "REPORT"):
            client.send(request(method=method))
            assert client.read_response().body == method.encode()
