"""The access log, line by line: what was asked, and what really left."""

import os
from collections.abc import Iterator

import pytest
from support.apps import Receive, Scope, Send, echo_websocket, respond
from support.raw import request
from support.server import LiveServer, Serve
from support.ws import upgrade


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await echo_websocket(scope, receive, send)
    else:
        await respond(send, b"hello", headers=[(b"content-length", b"5")])


class Log:
    """A server's access log in a pipe."""

    def __init__(self, serve: Serve) -> None:
        self._read, self._write = os.pipe()
        self.server: LiveServer = serve(application, access_log_fd=self._write)

    def lines(self) -> list[str]:
        """Stop the server; return the lines without address and time."""
        self.server.stop()
        os.close(self._write)
        with os.fdopen(self._read) as stream:
            return [line.rstrip("\n").partition("] ")[2] for line in stream]


@pytest.fixture
def log(serve: Serve) -> Iterator[Log]:
    yield Log(serve)


def test_target_is_logged_as_it_came(log: Log) -> None:
    log.server.get("/a%20b%00/?q=%C3%A4&x")
    assert log.lines() == ['"GET /a%20b%00/?q=%C3%A4&x" 200 5']


def test_head_sends_no_body(log: Log) -> None:
    with log.server.connect() as client:
        client.send(request(method="HEAD"))
        client.read_response("HEAD")
    assert log.lines() == ['"HEAD /" 200 -']


def test_malformed_request(log: Log) -> None:
    assert log.server.exchange(b"what\r\n\r\n").status == 400
    (line,) = log.lines()
    assert line.startswith('"- -" 400 ')


def test_websocket_is_logged_without_its_query(log: Log) -> None:
    with log.server.websocket("/room/?secret=1") as client:
        client.finish()
    events = ["WSCONNECTING", "WSCONNECT", "WSDISCONNECT"]
    assert log.lines() == [f'"{event} /room/" - -' for event in events]


def test_refused_handshake(log: Log) -> None:
    with log.server.websocket_connect() as client:
        client.send(upgrade("/room/", headers=["Sec-WebSocket-Version: 1"]))
        client.read_to_end()
    (line,) = log.lines()
    assert line.startswith(('"GET /room/" 400 ', '"GET /room/" 426 '))
