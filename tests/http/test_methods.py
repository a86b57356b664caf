"""Methods are the application's: it gets every one, with the body that its length says."""

import pytest
from support.apps import Receive, Scope, Send, read_body, respond
from support.raw import request
from support.server import Serve


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the method and the body."""
    await respond(send, scope["method"].encode() + b" " + await read_body(receive))


@pytest.mark.parametrize(
    "method", ["QUERY", "PUT", "PROPFIND", "M-SEARCH", "SOURCE", "DESCRIBE", "FROBNICATE"]
)
def test_method_reaches_the_application(serve: Serve, method: str) -> None:
    chunked = request(method=method, headers=["Transfer-Encoding: chunked"])
    with serve(echo).connect() as client:
        client.send(
            request(method=method, body=b"select *")
            + chunked
            + b"3\r\nall\r\n0\r\n\r\n"
            + request(method=method)
        )
        for body in (b" select *", b" all", b" "):
            assert client.read_response().body == method.encode() + body
