"""The access log, line by line: what was asked, and what really left."""

import json
import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from support.apps import Application, Receive, Scope, Send, echo_websocket, respond
from support.raw import request
from support.server import LiveServer, Serve
from support.ws import CONTINUATION, PING, TEXT, upgrade

from casgi import _core


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await echo_websocket(scope, receive, send)
    else:
        await respond(send, b"hello", headers=[(b"content-length", b"5")])


class Log:
    """A server's access log in a pipe."""

    def __init__(self, serve: Serve, served: Application = application, **options: Any) -> None:
        self._read, self._write = os.pipe()
        self.server: LiveServer = serve(served, access_log_fd=self._write, **options)

    def lines(self) -> list[str]:
        """Stop the server; return the lines without address and time."""
        return [line.partition("] ")[2] for line in self.whole_lines()]

    def whole_lines(self) -> list[str]:
        """Stop the server; return the lines, without their ends."""
        self.server.stop()
        os.close(self._write)
        with os.fdopen(self._read) as stream:
            return stream.read().splitlines()


@pytest.fixture
def log(serve: Serve) -> Iterator[Log]:
    yield Log(serve)


OpenLog = Callable[[str], Log]


@pytest.fixture
def open_log(serve: Serve) -> OpenLog:
    """Return a function that makes a log in a format."""
    return lambda log_format: Log(serve, access_log_format=log_format)


def test_target_is_logged_as_it_came(log: Log) -> None:
    log.server.get("/a%20b%00/?q=%C3%A4&x")
    assert log.lines() == ['"GET /a%20b%00/?q=%C3%A4&x" 200 5']


def test_head_sends_no_body(log: Log) -> None:
    with log.server.connect() as client:
        client.send(request(method="HEAD"))
        client.read_response("HEAD")
    assert log.lines() == ['"HEAD /" 200 -']


async def answer_who_has_left(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/leave":
        while (await receive())["type"] != "http.disconnect":
            pass
    await respond(send, b"late")


def test_response_to_who_has_left_is_not_logged(serve: Serve) -> None:
    """It went nowhere; least of all was it the 500 of an application that failed."""
    log = Log(serve, answer_who_has_left)
    with log.server.connect() as client:
        client.send(request("/leave"))
        client.half_close()
        assert client.read_to_end() == b""
    assert log.server.get("/stay").status == 200
    assert log.lines() == ['"GET /stay" 200 4']


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


def test_line_is_as_daphnes(log: Log) -> None:
    """In daphne/access.py: host, identity, user, date, request, status, length."""
    log.server.get("/")
    (line,) = log.whole_lines()
    assert re.fullmatch(
        r'127\.0\.0\.1:\d+ - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d\] "GET /" 200 5', line
    )


def test_json_of_a_response(open_log: OpenLog) -> None:
    log = open_log("json")
    log.server.get("/a/?b=1", "User-Agent: curl", "Referer: http://x/\xe4")
    (line,) = log.whole_lines()
    said = json.loads(line)
    assert re.fullmatch(r"127\.0\.0\.1:\d+", said.pop("client"))
    assert datetime.fromisoformat(said.pop("timestamp")).tzinfo == UTC
    assert 0 < said.pop("duration") < 60
    assert said == {
        "event": "RESPONSE",
        "method": "GET",
        "path": "/a/",
        "query": "b=1",
        "status": 200,
        "size": 5,
        "referer": "http://x/\xe4",
        "user_agent": "curl",
    }


def test_combined_has_referer_and_user_agent(open_log: OpenLog) -> None:
    log = open_log("combined")
    log.server.get("/", 'User-Agent: a" "b')
    assert log.lines() == [r'"GET /" 200 5 "-" "a\x22 \x22b"']


def test_websocket_says_at_its_end_what_it_carried(open_log: OpenLog) -> None:
    log = open_log("json")
    with log.server.websocket("/room/?token=1") as client:
        client.send_text("four")
        assert client.read_text() == "four"
        client.send_frame(TEXT, b"12", fin=False)
        client.send_frame(PING, b"not counted")
        client.send_frame(CONTINUATION, b"3" * 1000)
        client.read_frame()
        assert len(client.read_text()) == 1002
        client.finish(3001)
    opening, opened, closed = [json.loads(line) for line in log.whole_lines()]
    assert [line["event"] for line in (opening, opened, closed)] == [
        "WSCONNECTING",
        "WSCONNECT",
        "WSDISCONNECT",
    ]
    assert "query" not in closed and "messages_in" not in opened
    assert 0 < opened["duration"] <= closed["duration"]
    traffic = ["messages_in", "messages_out", "bytes_in", "bytes_out", "close_code"]
    assert [closed[name] for name in traffic] == [2, 2, 1006, 1006, 3001]


def test_custom_format(open_log: OpenLog) -> None:
    log = open_log("{status} {method} {path} [{query}] {close_code} {{}}")
    log.server.get("/a?b")
    with log.server.websocket("/room/") as client:
        client.finish(1001)
    assert log.whole_lines() == [
        "200 GET /a [b] - {}",
        "- GET /room/ [-] - {}",
        "- GET /room/ [-] - {}",
        "- GET /room/ [-] 1001 {}",
    ]


@pytest.mark.parametrize(
    ("log_format", "said"),
    [
        ("jsno", "no field"),
        ("{user}", "there are client, time"),
        ("{", "no }"),
        ("a\n{path}", "one"),
    ],
)
def test_wrong_format_is_refused_with_the_reason(log_format: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        _core.check_access_log_format(log_format)


def test_format_is_text() -> None:
    with pytest.raises(TypeError, match="must be a str"):
        _core.check_access_log_format(3)  # type: ignore[arg-type]
