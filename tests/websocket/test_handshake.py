"""Opening handshakes (RFC 6455, 4.2): which are answered with 101, and how others are refused."""

import base64

import pytest
from support.apps import Application, Journal, Receive, Scope, Send, echo_websocket, respond
from support.server import Serve
from support.ws import KEY, accept_key, upgrade

pytestmark = pytest.mark.http1  # RFC 8441 has a handshake of its own: tests/http2

VERSION = "Sec-WebSocket-Version"
KEY_NAME = "Sec-WebSocket-Key"


def test_accepted(serve: Serve) -> None:
    with serve(echo_websocket).websocket_connect() as client:
        client.send(upgrade())
        response = client.read_head()
        assert response.status == 101
        assert response.version == b"HTTP/1.1"
        assert (response.header(b"upgrade") or b"").lower() == b"websocket"
        assert (response.header(b"connection") or b"").lower() == b"upgrade"
        assert response.header(b"sec-websocket-accept") == accept_key()
        assert response.header(b"sec-websocket-protocol") is None
        assert response.header(b"sec-websocket-extensions") is None
        assert response.header(b"content-length") is None
        assert response.header(b"transfer-encoding") is None
        client.finish()


def test_accept_key_of_the_rfc() -> None:
    """The example of RFC 6455, 1.3, so that the client here is known to be right."""
    assert accept_key("dGhlIHNhbXBsZSBub25jZQ==") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_byte_by_byte(serve: Serve) -> None:
    with serve(echo_websocket).websocket_connect() as client:
        client.dribble(upgrade())
        client.read_accept()
        client.send_text("hello")
        assert client.read_text() == "hello"


@pytest.mark.parametrize(
    "value",
    ["Upgrade", "upgrade", "UPGRADE", "keep-alive, Upgrade", "Upgrade, keep-alive", "a,upgrade ,b"],
)
def test_connection_is_a_list(serve: Serve, value: str) -> None:
    """Firefox sends `keep-alive, Upgrade`."""
    with serve(echo_websocket).websocket_connect() as client:
        client.send(upgrade(without=["Connection"], headers=[f"Connection: {value}"]))
        client.read_accept()


def test_connection_in_two_headers(serve: Serve) -> None:
    with serve(echo_websocket).websocket_connect() as client:
        lines = ["Connection: keep-alive", "Connection: Upgrade"]
        client.send(upgrade(without=["Connection"], headers=lines))
        client.read_accept()


@pytest.mark.parametrize("value", ["websocket", "WebSocket", "WEBSOCKET", " websocket\t"])
def test_upgrade_in_any_case(serve: Serve, value: str) -> None:
    with serve(echo_websocket).websocket_connect() as client:
        client.send(upgrade(without=["Upgrade"], headers=[f"Upgrade: {value}"]))
        client.read_accept()


def test_other_offers_beside_websocket(serve: Serve) -> None:
    with serve(echo_websocket).websocket_connect() as client:
        client.send(upgrade(without=["Upgrade"], headers=["Upgrade: h2c, websocket"]))
        client.read_accept()


def assert_refused(serve: Serve, data: bytes, status: int) -> None:
    """Check that the application is not even called."""
    with serve(echo_websocket).websocket_connect() as client:
        client.send(data)
        response = client.read_response()
        assert response.status == status
        if status == 426:
            assert response.header(VERSION.encode()) == b"13"
            assert response.header(b"upgrade") is not None


@pytest.mark.parametrize("version", ["0", "8", "12", "14", "25", "255"])
def test_other_version(serve: Serve, version: str) -> None:
    """RFC 6455, 4.4: 426 that names the version which is spoken here."""
    data = upgrade(without=[VERSION], headers=[f"{VERSION}: {version}"])
    assert_refused(serve, data, 426)


@pytest.mark.parametrize("version", ["", "x", "1 3", "-13", "256", "13.0"])
def test_version_that_is_none(serve: Serve, version: str) -> None:
    with serve(echo_websocket).websocket_connect() as client:
        client.send(upgrade(without=[VERSION], headers=[f"{VERSION}: {version}"]))
        assert client.read_response().status in (400, 426)


def test_missing_version(serve: Serve) -> None:
    with serve(echo_websocket).websocket_connect() as client:
        client.send(upgrade(without=[VERSION]))
        assert client.read_response().status in (400, 426)


def test_missing_key(serve: Serve) -> None:
    assert_refused(serve, upgrade(without=[KEY_NAME]), 400)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "short",
        KEY[:-2],
        KEY + "AAAA",
        base64.b64encode(b"fifteen bytes..").decode(),
        base64.b64encode(b"seventeen bytes..").decode(),
        "!" * 22 + "==",
        "c2l4dGVlbiBieXRlcyBvaw=A",
        "c2l4dGVlbiBieXRlcyBva===",
        "c2l4 GVlbiBieXRlcyBvaw==",
        "-_l4dGVlbiBieXRlcyBvaw==",
    ],
)
def test_key_that_is_none(serve: Serve, key: str) -> None:
    """RFC 6455, 4.2.1: when decoded, it has 16 bytes."""
    assert_refused(serve, upgrade(without=[KEY_NAME], headers=[f"{KEY_NAME}: {key}"]), 400)


def test_two_keys(serve: Serve) -> None:
    """RFC 6455, 11.3.1: the header must not appear more than once."""
    assert_refused(serve, upgrade(headers=[f"{KEY_NAME}: {KEY}"]), 400)


@pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS", "DELETE"])
def test_other_method(serve: Serve, method: str) -> None:
    assert_refused(serve, upgrade(method=method), 400)


def both(journal: Journal) -> Application:
    """Return an application that notes the type of its scope and serves both."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add(scope["type"])
        if scope["type"] == "websocket":
            await echo_websocket(scope, receive, send)
        else:
            await respond(send, b"plain", headers=[(b"content-length", b"5")])

    return application


def refused_or_plain(serve: Serve, data: bytes) -> None:
    """Check that it is no WebSocket: 400, or an ordinary request with its Upgrade ignored."""
    journal = Journal()
    with serve(both(journal)).connect() as client:
        client.send(data)
        response = client.read_response()
    if response.status == 200:
        assert (response.body, journal.next()) == (b"plain", "http")
    else:
        assert response.status == 400
        assert journal.rest() == []


def test_http_1_0(serve: Serve) -> None:
    """RFC 9110, 7.8: there, an Upgrade header must be ignored."""
    refused_or_plain(serve, upgrade(version="1.0"))


@pytest.mark.parametrize(
    "lines",
    [["Content-Length: 5", "", "hello"], ["Transfer-Encoding: chunked", "", "0", ""]],
    ids=["length", "chunked"],
)
def test_handshake_with_a_body(serve: Serve, lines: list[str]) -> None:
    """The body must not be taken for frames."""
    head, *body = lines
    refused_or_plain(serve, upgrade(headers=[head]) + "\r\n".join(body[1:]).encode() + b"\r\n")


def test_handshake_with_an_empty_body(serve: Serve) -> None:
    with serve(echo_websocket).websocket_connect() as client:
        client.send(upgrade(headers=["Content-Length: 0"]))
        client.read_accept()


@pytest.mark.parametrize("missing", ["Upgrade", "Connection"])
def test_without_upgrade_or_connection_it_is_plain_http(serve: Serve, missing: str) -> None:
    """RFC 9110, 7.8: Upgrade counts only together with the connection option of that name."""
    refused_or_plain(serve, upgrade(without=[missing]))


def test_other_upgrade_is_plain_http(serve: Serve) -> None:
    journal = Journal()
    with serve(both(journal)).connect() as client:
        client.send(upgrade(without=["Upgrade"], headers=["Upgrade: h2c"]))
        assert client.read_response().body == b"plain"
    assert journal.next() == "http"


def test_after_a_plain_request_on_the_same_connection(serve: Serve) -> None:
    with serve(both(Journal())).websocket_connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n" + upgrade())
        assert client.read_response().body == b"plain"
        client.read_accept()
        client.send_text("hello")
        assert client.read_text() == "hello"


def test_extension_offers_are_declined(serve: Serve) -> None:
    """permessage-deflate is off by default: no extension in the answer, and no RSV bit."""
    with serve(echo_websocket).websocket_connect() as client:
        offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-other"
        client.send(upgrade(headers=[offer]))
        assert client.read_accept().header(b"sec-websocket-extensions") is None
        client.send_text("plain " * 1000)
        assert client.read_text() == "plain " * 1000


def test_strict_head_rules_hold_here_too(serve: Serve) -> None:
    for line in (b"X-A: a\x0bb", b"X A: b", b"X-A: a\r\n b", b"Host: again"):
        assert_refused(serve, upgrade(headers=[line]), 400)
