"""Pings of the client are answered; pings of the server find peers that are gone."""

import pytest
from support.apps import Journal, Receive, Scope, Send, echo_websocket, recording_websocket
from support.server import Serve
from support.ws import PING, PONG, TEXT, Frame


@pytest.mark.parametrize("payload", [b"", b"ping", bytes(range(125))])
def test_pong(serve: Serve, payload: bytes) -> None:
    with serve(echo_websocket).websocket() as client:
        client.send_frame(PING, payload)
        assert client.read_frame() == Frame(PONG, payload)


def test_pong_though_the_application_does_not_receive(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        journal.add("never")

    with serve(application).websocket() as client:
        client.send_frame(PING, b"anybody?")
        assert client.read_frame() == Frame(PONG, b"anybody?")
        assert journal.rest() == [], "a ping is nothing for the application"


def test_unasked_pong_is_ignored(serve: Serve) -> None:
    with serve(echo_websocket).websocket() as client:
        client.send_frame(PONG, b"unasked")
        client.send_text("still here")
        assert client.read_text() == "still here"


def test_many_pings(serve: Serve) -> None:
    with serve(echo_websocket).websocket() as client:
        for number in range(200):
            client.send_frame(PING, b"%d" % number)
        assert client.read_frame().opcode == PONG
        while client.read_frame().payload != b"199":
            pass


def test_server_pings(serve: Serve) -> None:
    with serve(echo_websocket, ping_interval=0.1, ping_timeout=10.0).websocket() as client:
        for _ in range(3):
            ping = client.read_frame()
            assert ping.opcode == PING
            client.send_frame(PONG, ping.payload)
        client.send_text("still here")
        assert client.read_text() == "still here"


def test_peer_that_answers_no_ping(serve: Serve) -> None:
    journal = Journal()
    server = serve(recording_websocket(journal), ping_interval=0.2, ping_timeout=0.3)
    with server.websocket() as client:
        client.read_to_end()
        disconnect = journal.next()
    assert disconnect["type"] == "websocket.disconnect"
    assert disconnect["code"] == 1006
    server.wait_idle()


def test_wrong_pong_is_no_silence(serve: Serve) -> None:
    """Any sign of life counts: a peer that talks is not cut off for a pong that is late."""
    with serve(echo_websocket, ping_interval=0.2, ping_timeout=2.5).websocket() as client:
        for number in range(5):
            assert client.read_frame().opcode == PING
            client.send_text(str(number))
            assert client.read_text() == str(number)


def test_no_pings_when_turned_off(serve: Serve) -> None:
    with serve(echo_websocket, ping_interval=None, ping_timeout=0.1).websocket() as client:
        assert client.is_silent(0.5)
        client.send_text("still here")
        assert client.read_frame() == Frame(TEXT, b"still here")


def test_no_ping_before_the_handshake_is_over(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await receive()

    with serve(application, ping_interval=0.1).websocket_connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: test\r\n")
        assert client.is_silent(0.3)
