"""What is refused before the application sees it is told in the log, with the remedy."""

import logging

import pytest
from support.apps import hello
from support.raw import request
from support.server import Serve
from support.ws import upgrade

CLIENT_HELLO = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (CLIENT_HELLO, 400, ["TLS", "https://", "wss://", "use http:// or ws://"]),
        (CLIENT_HELLO[:1], 400, ["TLS"]),
        (b"\x15\x03\x01\x00\x02\x02\x28", 400, ["method"]),
        (request(headers=["Host: twice"]), 400, ["several Host fields"]),
        (upgrade(version="1.0"), 400, ["HTTP/1.0", "proxy_http_version 1.1"]),
        (upgrade(method="POST"), 400, ["begins with GET"]),
        (upgrade(headers=["Content-Length: 1"]) + b"x", 400, ["without a body"]),
        (upgrade(without=["Sec-WebSocket-Key"]), 400, ["Sec-WebSocket-Key"]),
        (upgrade(without=["Sec-WebSocket-Version"]), 426, ["version 13"]),
        (
            upgrade(without=["Sec-WebSocket-Version"], headers=["Sec-WebSocket-Version: 8"]),
            426,
            ["version 13"],
        ),
    ],
    ids=[
        "TLS",
        "first byte of TLS",
        "TLS alert",
        "parser",
        "HTTP/1.0",
        "POST",
        "body",
        "no key",
        "no version",
        "version 8",
    ],
)
def test_refusal_is_logged(
    serve: Serve, caplog: pytest.LogCaptureFixture, data: bytes, status: int, words: list[str]
) -> None:
    caplog.set_level(logging.INFO, "casgi")
    with serve(hello).connect() as client:
        client.send(data)
        response = client.read_response()
        assert response.status == status
        client.assert_closed()
    lines = [record.getMessage() for record in caplog.records if "Refused" in record.message]
    assert len(lines) == 1, lines
    assert all(word in lines[0] for word in [f"of 127.0.0.1 with {status}: ", *words]), lines
    assert response.body.decode() in lines[0]
