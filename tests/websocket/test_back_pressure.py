"""Back-pressure both ways: what one side does not take, the other cannot send without end."""

import asyncio
import queue

import pytest
from support.apps import Gate, Journal, Receive, Scope, Send
from support.engines import ClientDisconnected
from support.server import Serve
from support.ws import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    Frame,
    WebSocketClient,
    encode_frame,
    upgrade,
)

BLOCK = bytes(256 * 1024)


def settle(journal: Journal) -> int:
    """Return how many entries there are, once one has come and no more come for a while."""
    journal.next()
    count = 1
    try:
        while True:
            journal.next(timeout=0.5)
            count += 1
    except AssertionError:
        return count


def offer_until_blocked(client: WebSocketClient, frame: bytes, count: int) -> tuple[int, bytes]:
    """Send a frame `count` times; return how many went whole, and what is left of the next."""
    client.socket.settimeout(0.5)
    sent = 0
    try:
        while sent < len(frame) * count:
            sent += client.socket.send(frame[sent % len(frame) :])
    except TimeoutError:
        pass
    finally:
        client.socket.settimeout(10)
    rest = frame[sent % len(frame) :] if sent % len(frame) else b""
    return sent // len(frame), rest


def test_denial_waits_for_a_slow_client(serve: Serve) -> None:
    count = 200
    journal = Journal()
    part = {"type": "websocket.http.response.body", "body": BLOCK, "more_body": True}

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.http.response.start", "status": 403})
        for number in range(count):
            await send(part)
            journal.add(number)
        await send({**part, "body": b"", "more_body": False})
        await receive()

    with serve(application).websocket_connect(receive_buffer=65536) as client:
        client.send(upgrade())
        assert 0 < settle(journal) < count, "the server took a body that nobody reads"
        assert client.read_response().body == BLOCK * count


def test_denial_of_a_client_that_leaves(serve: Serve) -> None:
    journal = Journal()
    part = {"type": "websocket.http.response.body", "body": BLOCK, "more_body": True}

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.http.response.start", "status": 403})
        with pytest.raises(ClientDisconnected):
            for number in range(1000):
                await send(part)
                journal.add(number)
        journal.add((await receive())["type"])

    with serve(application).websocket_connect(receive_buffer=65536) as client:
        client.send(upgrade())
        assert 0 < settle(journal) < 200
    while isinstance(entry := journal.next(), int):
        pass  # One that was only slow is followed by more.
    assert entry == "websocket.disconnect"


def test_send_waits_for_a_slow_client(serve: Serve) -> None:
    count = 200
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for number in range(count):
            await send({"type": "websocket.send", "bytes": BLOCK})
            journal.add(number)
        await send({"type": "websocket.close"})

    with serve(application).websocket_connect(receive_buffer=65536) as client:
        client.send(upgrade())
        client.read_accept()
        assert 0 < settle(journal) < count, "the server took messages that nobody reads"
        for _ in range(count):
            assert client.read_binary() == BLOCK
        assert client.read_close()[0] == 1000


@pytest.mark.parametrize("leave", ["reset", "close"])
def test_send_that_waits_is_told_when_the_client_leaves(serve: Serve, leave: str) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            while True:
                await send({"type": "websocket.send", "bytes": BLOCK})
                journal.add("sent")
        except ClientDisconnected:
            journal.add("gone")
            journal.add((await receive())["code"])

    server = serve(application)
    client = server.websocket_connect(receive_buffer=65536)
    client.send(upgrade())
    settle(journal)
    getattr(client, leave)()
    while journal.next() != "gone":
        pass  # One that was only slow is followed by more.
    assert journal.next() == 1006
    server.wait_idle()


@pytest.mark.parametrize("who", ["client", "application"])
def test_sends_that_wait_are_told_of_the_close(serve: Serve, who: str) -> None:
    """Of a client that takes nothing: it may never make room."""
    journal, gate = Journal(), Gate()

    async def flood(send: Send) -> None:
        try:
            while True:
                await send({"type": "websocket.send", "bytes": BLOCK})
                journal.add("sent")
        except ClientDisconnected:
            journal.add("gone")

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        floods = [asyncio.create_task(flood(send)) for _ in range(3)]
        if who == "application":
            await gate.wait()
            await send({"type": "websocket.close", "code": 4001})
        await asyncio.gather(*floods)
        journal.add((await receive())["code"])

    client = serve(application).websocket_connect(receive_buffer=65536)
    client.send(upgrade())
    settle(journal)
    if who == "client":
        client.send(encode_frame(CLOSE, (4001).to_bytes(2)))
    gate.open()
    told = [entry for entry in iter(journal.next, 4001) if entry != "sent"]
    assert told == ["gone", "gone", "gone"]


def test_many_tasks_that_wait_in_send(serve: Serve) -> None:
    """All of them go on, and every message comes whole."""
    count = 50
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        message = {"type": "websocket.send", "bytes": BLOCK}
        await asyncio.gather(*(asyncio.create_task(send(message)) for _ in range(count)))
        journal.add("all")
        await receive()

    with serve(application).websocket_connect(receive_buffer=65536) as client:
        client.send(upgrade())
        client.read_accept()
        for _ in range(count):
            assert client.read_binary() == BLOCK
        assert journal.next() == "all"
        client.finish()


def test_cancelled_send_is_sent_whole_or_not_at_all(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for _ in range(100):
            try:
                await asyncio.wait_for(send({"type": "websocket.send", "bytes": BLOCK}), 0.01)
            except TimeoutError:
                journal.add("cancelled")
                break
        await send({"type": "websocket.send", "text": "after"})
        await send({"type": "websocket.close"})

    with serve(application).websocket_connect(receive_buffer=65536) as client:
        client.send(upgrade())
        client.read_accept()
        assert journal.next() == "cancelled"
        while (frame := client.read_data()).opcode == BINARY:
            assert frame.payload == BLOCK
        assert (frame.opcode, frame.payload) == (TEXT, b"after")
        assert client.read_close()[0] == 1000


def test_reading_stops_when_the_application_does_not_receive(serve: Serve) -> None:
    count = 1000
    gate = Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await gate.wait()
        total = 0
        for _ in range(count):
            total += len((await receive())["bytes"])
        await send({"type": "websocket.send", "text": str(total)})
        await receive()

    with serve(application).websocket() as client:
        frame = encode_frame(BINARY, bytes(65536))
        sent, rest = offer_until_blocked(client, frame, count)
        assert sent < count, "the server took messages that nobody receives"
        gate.open()
        client.send(rest)
        for _ in range(count - sent - bool(rest)):
            client.send(frame)
        assert client.read_text() == str(65536 * count)
        client.finish()


def test_slow_reader_is_not_taken_for_gone(serve: Serve) -> None:
    """Nothing is read while the application is behind, so that the pong cannot be seen either."""
    gate = Gate()
    count = 300

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        if scope["path"] == "/mute":
            await receive()
            return
        await gate.wait()
        for _ in range(count):
            assert (await receive())["type"] == "websocket.receive"
        await send({"type": "websocket.send", "text": "all"})
        await receive()

    server = serve(application, ping_interval=0.2, ping_timeout=2.5)
    with server.websocket() as client, server.websocket("/mute") as mute:
        frame = encode_frame(BINARY, bytes(65536))
        sent, rest = offer_until_blocked(client, frame, count)
        mute.read_to_end()  # The time is over for whoever is read from and says nothing.
        gate.open()
        client.send(rest)
        for _ in range(count - sent - bool(rest)):
            client.send(frame)
        while (answer := client.read_frame()).opcode == PING:
            client.send_frame(PONG, answer.payload)
        assert answer.payload == b"all"


def test_others_go_on_while_one_is_behind(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while scope["path"] == "/flood":
            await send({"type": "websocket.send", "bytes": BLOCK})
        message = await receive()
        await send({**message, "type": "websocket.send"})
        await receive()

    server = serve(application)
    flooded = server.websocket_connect(receive_buffer=65536)
    flooded.send(upgrade("/flood"))
    flooded.read_accept()
    for _ in range(3):
        with server.websocket("/quiet") as client:
            client.send_text("hello")
            assert client.read_text() == "hello"
            client.finish()
    flooded.reset()


def test_close_of_the_client_behind_unread_messages(serve: Serve) -> None:
    """Everything that came before the close is still received."""
    journal, gate = Journal(), Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await gate.wait()
        while (message := await receive())["type"] == "websocket.receive":
            journal.add(message["text"])
        journal.add(message["code"])

    with serve(application).websocket() as client:
        for number in range(50):
            client.send_text(str(number))
        client.send(encode_frame(CLOSE, b"\x0b\xb8"))
        gate.open()
        assert client.read_close()[0] == 3000
    assert [journal.next() for _ in range(51)] == [*map(str, range(50)), 3000]


def test_thousands_of_messages_in_one_packet(serve: Serve) -> None:
    """Far more than may wait for `receive()`; none is lost, and the close stays behind them."""
    journal, gate = Journal(), Gate()
    count = 20_000

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await gate.wait()
        texts = []
        while (message := await receive())["type"] == "websocket.receive":
            texts.append(message["text"])
            if len(texts) % 1000 == 0:
                await asyncio.sleep(0)
        journal.add((texts, message["code"]))

    with serve(application).websocket() as client:
        frames = b"".join(encode_frame(TEXT, b"%d" % number) for number in range(count))
        client.send(frames + encode_frame(CLOSE, b"\x0b\xb8"))
        gate.open()
        assert client.read_close()[0] == 3000
    assert journal.next() == ([*map(str, range(count))], 3000)


def test_bytes_that_were_received_count_no_more(serve: Serve) -> None:
    """Some messages always wait, few at a time: reading goes on, and pings are answered."""
    permits: queue.Queue[None] = queue.Queue()
    message = "x" * 10_000

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while True:
            await asyncio.to_thread(permits.get)
            if (await receive())["type"] == "websocket.disconnect":
                return
            await send({"type": "websocket.send", "text": "received"})

    with serve(application).websocket() as client:
        for _ in range(3):
            client.send_text(message)
        for _ in range(60):
            client.send_text(message)
            permits.put(None)
            assert client.read_text() == "received"
        client.send_frame(PING, b"hello")
        assert client.read_frame() == Frame(PONG, b"hello")
        for _ in range(4):  # what still waits, and the disconnect behind it
            permits.put(None)
        for _ in range(3):
            assert client.read_text() == "received"
        client.close()
