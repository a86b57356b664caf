"""What the application says to a handshake: accept, close, or a response of its own."""

import pytest
from support.apps import Application, Journal, Message, Receive, Scope, Send
from support.server import Serve
from support.ws import WebSocketClient, upgrade

EXTENSION = "websocket.http.response"


def answering(*messages: Message, journal: Journal | None = None) -> Application:
    """Return an application that answers `websocket.connect` with these messages."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if journal is not None:
            journal.add(scope)
        assert await receive() == {"type": "websocket.connect"}
        for message in messages:
            await send(message)
        message = await receive()
        if journal is not None:
            journal.add(message)

    return application


def open_with(serve: Serve, application: Application, *headers: str) -> WebSocketClient:
    client = serve(application).websocket_connect()
    client.send(upgrade(headers=headers))
    return client


@pytest.mark.parametrize(
    ("lines", "offered"),
    [
        ([], []),
        (["Sec-WebSocket-Protocol: chat"], ["chat"]),
        (["Sec-WebSocket-Protocol: chat, superchat"], ["chat", "superchat"]),
        (["Sec-WebSocket-Protocol: chat,superchat ,\tv2.x"], ["chat", "superchat", "v2.x"]),
        (["Sec-WebSocket-Protocol: a, b", "Sec-WebSocket-Protocol: c"], ["a", "b", "c"]),
        (["Sec-WebSocket-Protocol: a%2Cb"], ["a%2Cb"]),
    ],
)
def test_offered_subprotocols(serve: Serve, lines: list[str], offered: list[str]) -> None:
    journal = Journal()
    client = open_with(serve, answering({"type": "websocket.accept"}, journal=journal), *lines)
    assert client.read_accept().header(b"sec-websocket-protocol") is None
    assert list(journal.next()["subprotocols"]) == offered
    client.finish()


def test_chosen_subprotocol(serve: Serve) -> None:
    accept = {"type": "websocket.accept", "subprotocol": "superchat"}
    client = open_with(serve, answering(accept), "Sec-WebSocket-Protocol: chat, superchat")
    assert client.read_accept().header(b"sec-websocket-protocol") == b"superchat"
    client.finish()


def test_subprotocol_none(serve: Serve) -> None:
    accept = {"type": "websocket.accept", "subprotocol": None}
    client = open_with(serve, answering(accept), "Sec-WebSocket-Protocol: chat")
    assert client.read_accept().header(b"sec-websocket-protocol") is None
    client.finish()


@pytest.mark.parametrize("value", [b"\xff\xfe", "é".encode(), b"chat\x80", b"a b", b"a;b", b""])
def test_subprotocol_that_is_no_token(serve: Serve, value: bytes) -> None:
    """Refused with 400, or offered as latin-1; never an error of the server (CVE-2026-42544)."""
    journal = Journal()
    client = serve(answering({"type": "websocket.accept"}, journal=journal)).websocket_connect()
    client.send(upgrade(headers=[b"Sec-WebSocket-Protocol: " + value]))
    response = client.read_head()
    assert response.status in (101, 400)
    if response.status == 101:
        offered = list(journal.next()["subprotocols"])
        assert offered == ([value.decode("latin-1")] if value else [])


def test_accept_headers(serve: Serve) -> None:
    headers = [(b"x-one", b"1"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    client = open_with(serve, answering({"type": "websocket.accept", "headers": headers}))
    response = client.read_accept()
    assert response.header(b"x-one") == b"1"
    assert response.all(b"set-cookie") == [b"a=1", b"b=2"]
    assert (response.header(b"upgrade") or b"").lower() == b"websocket"
    client.finish()


@pytest.mark.parametrize(
    "name", [b"Sec-WebSocket-Accept", b"upgrade", b"connection", b"sec-websocket-extensions"]
)
def test_accept_headers_that_are_the_handshakes_own(serve: Serve, name: bytes) -> None:
    """They are left out; the handshake on the wire stays right."""
    headers = [(b"x-one", b"1"), (name, b"evil"), (b"x-two", b"2")]
    client = open_with(serve, answering({"type": "websocket.accept", "headers": headers}))
    response = client.read_accept()
    assert b"evil" not in response.raw
    assert (response.header(b"x-one"), response.header(b"x-two")) == (b"1", b"2")
    client.finish()


@pytest.mark.parametrize("said", [None, "", "chat"])
def test_a_subprotocol_among_the_headers(serve: Serve, said: str | None) -> None:
    """It is one where there is no 'subprotocol'."""
    headers = [(b"Sec-WebSocket-Protocol", b"superchat")]
    accept = {"type": "websocket.accept", "subprotocol": said, "headers": headers}
    client = open_with(serve, answering(accept), "Sec-WebSocket-Protocol: chat, superchat")
    chosen = client.read_accept().all(b"sec-websocket-protocol")
    assert chosen == [said.encode() if said else b"superchat"]
    client.finish()


def test_a_subprotocol_among_the_headers_that_is_no_token(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        headers = [(b"sec-websocket-protocol", b"chat, superchat")]
        with pytest.raises(ValueError, match="must be a token"):
            await send({"type": "websocket.accept", "headers": headers})
        await send({"type": "websocket.accept"})
        await receive()

    client = open_with(serve, application, "Sec-WebSocket-Protocol: chat, superchat")
    assert client.read_accept().header(b"sec-websocket-protocol") is None
    client.finish()


def test_answer_has_date_and_server_once(serve: Serve) -> None:
    client = open_with(serve, answering({"type": "websocket.accept"}))
    response = client.read_accept()
    assert response.all(b"server") == [b"casgi"]
    assert len(response.all(b"date")) == 1
    client.finish()


def test_close_before_accept(serve: Serve) -> None:
    """403, and the application is told that it is over."""
    journal = Journal()
    application = answering({"type": "websocket.close", "code": 4000}, journal=journal)
    client = open_with(serve, application)
    response = client.read_response()
    assert response.status == 403
    assert journal.next()["type"] == "websocket"
    disconnect = journal.next()
    assert disconnect["type"] == "websocket.disconnect"
    assert type(disconnect["code"]) is int


def test_denial_response_is_announced(serve: Serve) -> None:
    journal = Journal()
    client = open_with(serve, answering({"type": "websocket.close"}, journal=journal))
    assert client.read_response().status == 403
    assert EXTENSION in journal.next()["extensions"]


def test_denial_response(serve: Serve) -> None:
    headers = [(b"content-type", b"text/plain"), (b"www-authenticate", b"Basic")]
    application = answering(
        {"type": f"{EXTENSION}.start", "status": 401, "headers": headers},
        {"type": f"{EXTENSION}.body", "body": b"who are you?"},
    )
    client = open_with(serve, application)
    response = client.read_response()
    assert response.status == 401
    assert response.body == b"who are you?"
    assert response.header(b"content-type") == b"text/plain"
    assert response.header(b"www-authenticate") == b"Basic"
    assert response.header(b"sec-websocket-accept") is None


def test_denial_response_in_parts(serve: Serve) -> None:
    application = answering(
        {"type": f"{EXTENSION}.start", "status": 404},
        {"type": f"{EXTENSION}.body", "body": b"not ", "more_body": True},
        {"type": f"{EXTENSION}.body", "body": b"here", "more_body": True},
        {"type": f"{EXTENSION}.body"},
    )
    response = open_with(serve, application).read_response()
    assert (response.status, response.body) == (404, b"not here")


def test_denial_response_without_body(serve: Serve) -> None:
    application = answering(
        {"type": f"{EXTENSION}.start", "status": 302, "headers": [(b"location", b"/login")]},
        {"type": f"{EXTENSION}.body"},
    )
    response = open_with(serve, application).read_response()
    assert (response.status, response.body) == (302, b"")
    assert response.header(b"location") == b"/login"


def test_disconnect_after_a_denial_response(serve: Serve) -> None:
    journal = Journal()
    application = answering(
        {"type": f"{EXTENSION}.start", "status": 404},
        {"type": f"{EXTENSION}.body", "body": b"no"},
        journal=journal,
    )
    assert open_with(serve, application).read_response().status == 404
    journal.next()
    assert journal.next()["type"] == "websocket.disconnect"


@pytest.mark.http1
def test_plain_request_after_a_denied_handshake(serve: Serve) -> None:
    """The connection may be kept, or closed; it is not half a WebSocket."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            return await send({"type": "websocket.close"})
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"plain"})

    client = open_with(serve, application)
    response = client.read_response()
    assert response.status == 403
    if response.header(b"connection") == b"close":
        client.assert_closed()
    else:
        client.send(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        assert client.read_response().body == b"plain"
