"""Events keep their order: what came before a failure or a close is answered first."""

import asyncio

import pytest
from support.apps import Gate, Journal, Receive, Scope, Send, echo_websocket
from support.engines import LOOP
from support.server import Serve
from support.ws import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    WebSocketClient,
    close_payload,
    encode_frame,
    upgrade,
)

GOOD = encode_frame(TEXT, b"good")

VIOLATIONS = {
    "unmasked": (encode_frame(TEXT, b"bad", mask=None), 1002),
    "reserved opcode": (encode_frame(0xB), 1002),
    "reserved bit": (encode_frame(TEXT, b"bad", rsv=4), 1002),
    "bad UTF-8": (encode_frame(TEXT, b"\xff"), 1007),
    "bad UTF-8 in a fragment": (encode_frame(TEXT, b"\xff", fin=False), 1007),
    "too big": (encode_frame(BINARY, b"", length=1 << 30), 1009),
    "bad continuation": (encode_frame(CONTINUATION, b"x"), 1002),
    "bad close code": (encode_frame(CLOSE, close_payload(1005)), 1002),
    "long ping": (encode_frame(PING, b"x" * 126), 1002),
}


@pytest.mark.parametrize("name", VIOLATIONS)
@pytest.mark.parametrize("count", [1, 20])
def test_good_messages_before_a_bad_frame(serve: Serve, name: str, count: int) -> None:
    """All in one packet: every good message is echoed, then comes the close."""
    bad, code = VIOLATIONS[name]
    with serve(echo_websocket).websocket() as client:
        client.send(GOOD * count + bad)
        assert [client.read_text() for _ in range(count)] == ["good"] * count
        assert client.read_close()[0] == code
        client.assert_closed()


@pytest.mark.parametrize("name", VIOLATIONS)
def test_good_message_after_a_bad_frame(serve: Serve, name: str) -> None:
    bad, code = VIOLATIONS[name]
    with serve(echo_websocket).websocket() as client:
        client.send(bad + GOOD)
        assert client.read_close()[0] == code
        client.assert_closed()


def test_good_messages_before_a_close(serve: Serve) -> None:
    with serve(echo_websocket).websocket() as client:
        client.send(GOOD * 20 + encode_frame(CLOSE, close_payload(3000)))
        assert [client.read_text() for _ in range(20)] == ["good"] * 20
        assert client.read_close()[0] == 3000
        client.assert_closed()


def test_all_with_the_handshake(serve: Serve) -> None:
    """Handshake, message, bad frame: one packet, and still nothing is lost."""
    with serve(echo_websocket).websocket_connect() as client:
        client.send(upgrade() + GOOD + VIOLATIONS["unmasked"][0])
        client.read_accept()
        assert client.read_text() == "good"
        assert client.read_close()[0] == 1002
        client.assert_closed()


def test_application_that_takes_its_time(serve: Serve) -> None:
    """It answers each message after a few turns of the loop; the failure waits for it."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            for _ in range(10):
                await asyncio.sleep(0)
            await send({"type": "websocket.send", "text": message["text"]})

    with serve(application).websocket() as client:
        client.send(GOOD * 5 + VIOLATIONS["unmasked"][0])
        assert [client.read_text() for _ in range(5)] == ["good"] * 5
        assert client.read_close()[0] == 1002


@pytest.mark.parametrize("ending", ["violation", "close"])
def test_application_that_does_not_answer(serve: Serve, ending: str) -> None:
    """The wait for it is bounded: the failure comes though the application is stuck."""
    gate = Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        await gate.wait()

    server = serve(application)
    end = encode_frame(CLOSE, close_payload(3000))
    end = VIOLATIONS["unmasked"][0] if ending == "violation" else end
    with server.websocket() as client:
        client.send(GOOD * 2 + end)
        assert client.read_close()[0] == (1002 if ending == "violation" else 3000)
        client.assert_closed()
    gate.open()
    server.wait_idle()


def test_pong_does_not_wait_for_the_application(serve: Serve) -> None:
    gate = Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await gate.wait()
        await echo_rest(receive, send)

    with serve(application).websocket() as client:
        client.send(GOOD + encode_frame(PING, b"p"))
        frame = client.read_frame()
        assert (frame.opcode, frame.payload) == (PONG, b"p")
        gate.open()
        assert client.read_text() == "good"


async def echo_rest(receive: Receive, send: Send) -> None:
    """Send every message back until the end."""
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


def test_messages_before_a_reset_of_the_protocol_reach_a_slow_application(serve: Serve) -> None:
    """They are received in order, then the disconnect, even when nothing can be answered."""
    journal, gate = Journal(), Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await gate.wait()
        while (message := await receive())["type"] == "websocket.receive":
            journal.add(message["text"])
        journal.add(message["type"])

    with serve(application).websocket() as client:
        client.send(GOOD * 3 + VIOLATIONS["reserved opcode"][0])
        client.read_close()
        gate.open()
        assert [journal.next() for _ in range(4)] == ["good"] * 3 + ["websocket.disconnect"]


@pytest.mark.plain
@pytest.mark.skipif(LOOP == "uvloop", reason="a turn may have been asked for before the task")
def test_task_that_was_started_before_the_next_message_came(serve: Serve) -> None:
    """What is ready to run comes first: a message never overtakes it."""
    clients: list[WebSocketClient] = []
    journal, gate = Journal(), Gate()

    async def note(text: str) -> None:
        journal.add(f"task of {text}")

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await gate.wait()
        tasks = []
        while (event := await receive())["type"] == "websocket.receive":
            journal.add(event["text"])
            tasks.append(asyncio.create_task(note(event["text"])))
            # It is there before the loop comes to look for it.
            clients[0].send_text(f"after {event['text']}")
            if len(tasks) == 20:
                await send({"type": "websocket.close"})

    with serve(application).websocket() as client:
        clients.append(client)
        gate.open()
        client.send_text("one")
        noted = [journal.next() for _ in range(40)]
        texts = noted[0::2]
        assert noted[1::2] == [f"task of {text}" for text in texts]
