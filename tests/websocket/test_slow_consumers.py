"""Members of groups that do not read: what they lose, what they never lose, and who is told."""

import asyncio
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from support.apps import Journal, Receive, Scope, Send
from support.reports import wait_until
from support.server import LiveServer, Serve
from support.ws import BINARY, CLOSE, TEXT, WebSocketClient, encode_frame

from casgi import _core
from casgi.channels.local import LocalChannels
from casgi.slow_consumer import log_slow_consumer

ROUNDS, BATCH = 60, 8
SIZE = 16 * 1024
OPTIONS = {"write_backlog_limit": 256 * 1024, "write_high_water": 1 << 30}


class Room:
    """A group "a" with members, and a speaker who sends it numbered messages."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.sent = 0
        self.is_sending = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        if scope["path"] != "/speaker":
            scope["user"] = "ann"
            await send({"type": "websocket.group.add", "group": "a"})
        self.journal.add("ready")
        while (event := await receive())["type"] == "websocket.receive":
            if scope["path"] == "/speaker":
                for _ in range(int(event["text"])):
                    await self.speak(send)
            else:
                await send({"type": "websocket.send", "text": event["text"]})
            self.journal.add(event["text"])
        self.journal.add({**event, "path": scope["path"]})

    async def speak(self, send: Send) -> None:
        payload = b"%8d" % self.sent + bytes(SIZE - 8)
        self.sent += 1
        self.is_sending = True
        sending = send({"type": "websocket.group.send", "group": "a", "bytes": payload})
        self.is_sending = False
        await sending
        await asyncio.sleep(0)

    def connect(self, server: LiveServer, target: str, **options: Any) -> WebSocketClient:
        client = server.websocket_connect(**options)
        client.handshake(target)
        assert self.journal.next() == "ready"
        return client

    def tell(self, client: WebSocketClient, text: str) -> None:
        """Send a text, and wait until the application has done with it."""
        client.send_text(text)
        assert self.journal.next() == text


def counts(server: LiveServer) -> dict[str, int]:
    return server.call(lambda: server.engine.server.slow_consumers)


def overrun(room: Room, server: LiveServer, target: str = "/slow") -> WebSocketClient:
    """Return a member who has not read a byte of what was said, nor of its own answers."""
    slow = room.connect(server, target, receive_buffer=4096)
    speaker = room.connect(server, "/speaker")
    for number in range(ROUNDS):
        room.tell(speaker, str(BATCH))
        room.tell(slow, f"answer {number}")
    return slow


def read_all(client: WebSocketClient) -> Iterator[tuple[str, int]]:
    """Yield ("answer", number) or ("group", number) until the last answer; every frame is whole."""
    number = -1
    while number < ROUNDS - 1:
        frame = client.read_data()
        assert frame.fin
        if frame.opcode == TEXT:
            number = int(frame.payload.decode().removeprefix("answer "))
            yield "answer", number
        else:
            assert frame.opcode == BINARY and frame.payload[8:] == bytes(SIZE - 8)
            yield "group", int(frame.payload[:8])


def place(kind: str, number: int) -> tuple[int, int]:
    """Return where a frame stood among all that were sent."""
    return (number, BATCH) if kind == "answer" else divmod(number, BATCH)


@pytest.mark.parametrize("policy", ["drop-oldest", "drop-newest"])
def test_group_messages_are_lost_and_nothing_else(serve: Serve, policy: str) -> None:
    room = Room()
    server = serve(room, slow_consumer=policy, **OPTIONS)
    slow = overrun(room, server)
    total = ROUNDS * BATCH
    lost = counts(server)
    got = list(read_all(slow))
    assert [number for kind, number in got if kind == "answer"] == list(range(ROUNDS))
    heard = [number for kind, number in got if kind == "group"]
    assert sorted(got, key=lambda item: place(*item)) == got
    assert 0 < len(heard) < total
    assert total - len(heard) == sum(lost.values())
    assert lost == {"closed": 0, "dropped_oldest": 0, "dropped_newest": 0} | {
        policy.replace("drop-", "dropped_"): sum(lost.values())
    }
    assert heard[0] == 0  # was on its way before the first was dropped
    assert (heard[-1] == total - 1) == (policy == "drop-oldest")
    # It keeps up again, and loses nothing any more.
    room.tell(slow, "still here")
    assert slow.read_text() == "still here"
    speaker = room.connect(server, "/speaker")
    room.tell(speaker, "2")
    assert [int(slow.read_binary()[:8]) for _ in range(2)] == [total, total + 1]
    assert sum(counts(server).values()) == sum(lost.values())


def test_the_newest_that_fit_are_kept(serve: Serve) -> None:
    room = Room()
    server = serve(room, slow_consumer="drop-oldest", **OPTIONS)
    got = list(read_all(overrun(room, server)))
    heard = [number for kind, number in got if kind == "group"]
    kept = (OPTIONS["write_backlog_limit"] - ROUNDS * 100) // (SIZE + 10) - 1
    assert heard[-kept:] == list(range(ROUNDS * BATCH - kept, ROUNDS * BATCH))


def test_slow_member_is_closed(serve: Serve) -> None:
    room = Room()
    server = serve(room, slow_consumer="close", **OPTIONS)
    slow = room.connect(server, "/slow", receive_buffer=4096)
    speaker = room.connect(server, "/speaker")
    speaker.send_text(str(ROUNDS * BATCH))
    event = room.journal.next()
    assert (event["type"], event["code"]) == ("websocket.disconnect", 1008)
    assert room.journal.next() == str(ROUNDS * BATCH)
    heard = 0
    while (frame := slow.read_data()).opcode == BINARY:
        assert int(frame.payload[:8]) == heard
        heard += 1
    assert frame.opcode == CLOSE and int.from_bytes(frame.payload[:2]) == 1008
    assert counts(server) == {"closed": 1, "dropped_oldest": 0, "dropped_newest": 0}


@pytest.mark.parametrize("policy", ["drop-oldest", "drop-newest"])
def test_member_that_never_reads_again_is_cut(serve: Serve, policy: str) -> None:
    """That the queue changes under it is no sign of life."""
    room = Room()
    server = serve(room, slow_consumer=policy, ping_interval=0.1, ping_timeout=1.5, **OPTIONS)
    room.connect(server, "/slow", receive_buffer=4096)
    speaker = room.connect(server, "/speaker")
    speaker.send_text(str(ROUNDS * BATCH))
    while not isinstance(event := room.journal.next(), dict) or event["path"] != "/slow":
        # The speaker answers no ping either: one that stood still for so long has been cut, too.
        speaker.offer(encode_frame(TEXT, b"8"))
    assert (event["type"], event["code"]) == ("websocket.disconnect", 1006)
    assert counts(server)["closed"] == 0


@pytest.mark.parametrize("policy", ["close", "drop-oldest", "drop-newest"])
def test_burst_does_not_make_a_reader_slow(serve: Serve, policy: str) -> None:
    """More than the limit in one turn, all of which the socket takes at its end."""
    count, size = 8, 8192

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.group.add", "group": "a"})
        await receive()
        for number in range(count):
            payload = bytes([number]) * size
            await send({"type": "websocket.group.send", "group": "a", "bytes": payload})
        await receive()

    server = serve(application, slow_consumer=policy, write_backlog_limit=2 * size)
    with server.websocket() as client:
        client.send_text("go")
        assert [client.read_binary()[0] for _ in range(count)] == list(range(count))
        assert sum(counts(server).values()) == 0


def test_own_messages_wait_and_are_not_dropped(serve: Serve) -> None:
    """What an application sends itself is none of the policy's business, whatever the backlog."""
    journal = Journal()
    count = 40

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.group.add", "group": "a"})
        for number in range(count):
            await send({"type": "websocket.send", "bytes": bytes([number]) * 262144})
        journal.add("sent")
        await receive()

    server = serve(application, slow_consumer="drop-oldest", write_backlog_limit=1024)
    slow = server.websocket_connect(receive_buffer=4096)
    slow.handshake()
    assert [slow.read_binary()[0] for _ in range(count)] == list(range(count))
    assert journal.next() == "sent"
    assert sum(counts(server).values()) == 0


def test_line_names_path_and_user(serve: Serve) -> None:
    room = Room()
    server = serve(room, slow_consumer="drop-newest", **OPTIONS)
    server.call(lambda: setattr(server.engine.server, "on_slow_consumer", log_slow_consumer))
    overrun(room, server, "/slow%0a%22room")
    report = server.reports.expect(
        r"Slow consumer /slow\x0a\x22room (user ann)", "new group messages are dropped"
    )
    backlog = re.search(r"with (\d+) bytes unsent, \d+ messages lost", report.text)
    assert backlog is not None and SIZE < int(backlog[1]) <= OPTIONS["write_backlog_limit"] * 2
    assert not report.is_error


@pytest.mark.parametrize("policy", ["close", "drop-newest"])
def test_line_names_the_user_of_a_consumer(serve: Serve, policy: str) -> None:
    """Channels' middleware puts the user into a copy of the scope, which its consumer has."""
    room = Room()
    channels = LocalChannels(capacity=lambda name: 100)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/consumer":
            consumer = SimpleNamespace(scope={**scope, "user": "bea"})
            channel = channels.open("specific.consumer")
            assert channel.listen(receive, send, consumer, send, None) is not None
        await room(scope, receive, send)
        if scope["path"] == "/consumer":
            channel.close()

    server = serve(application, slow_consumer=policy, **OPTIONS)
    server.call(lambda: setattr(server.engine.server, "on_slow_consumer", log_slow_consumer))
    room.connect(server, "/consumer", receive_buffer=4096)
    speaker = room.connect(server, "/speaker")
    speaker.send_text(str(ROUNDS * BATCH))
    server.reports.expect("Slow consumer /consumer (user bea)")


def test_few_reports_tell_of_all_events(serve: Serve) -> None:
    room = Room()
    reports: list[tuple[str, str, int, int, int]] = []
    was_sending = []

    def note(scope: Scope, outcome: str, backlog: int, dropped: int, others: int) -> None:
        was_sending.append(room.is_sending)
        reports.append((scope["path"], outcome, backlog, dropped, others))

    server = serve(room, slow_consumer="drop-oldest", **OPTIONS)
    server.call(lambda: setattr(server.engine.server, "on_slow_consumer", note))
    overrun(room, server, "/one")
    overrun(room, server, "/two")
    events = sum(counts(server).values())
    wait_until(lambda: sum(1 + report[4] for report in reports) == events, "events are missing")
    assert 1 <= len(reports) < events / 10
    assert {report[0] for report in reports} <= {"/one", "/two"}
    assert {report[1] for report in reports} == {"dropped_oldest"}
    assert all(0 < report[3] <= events for report in reports)
    assert not any(was_sending)  # no application code within a fan-out


def test_report_that_raises(serve: Serve) -> None:
    room = Room()
    server = serve(room, slow_consumer="drop-newest", **OPTIONS)
    server.call(lambda: setattr(server.engine.server, "on_slow_consumer", lambda *_: 1 / 0))
    slow = overrun(room, server)
    server.reports.expect("Exception in Server.on_slow_consumer", exception=ZeroDivisionError)
    assert len(list(read_all(slow))) > ROUNDS


def test_server_ends_before_it_has_told(serve: Serve) -> None:
    """Neither the member nor the server is kept alive by a report that is due."""
    room = Room()
    server = serve(room, slow_consumer="drop-newest", **OPTIONS)
    server.call(lambda: setattr(server.engine.server, "on_slow_consumer", lambda *_: None))
    overrun(room, server)
    server.stop()


def test_unknown_policy() -> None:
    with pytest.raises(ValueError, match="slow_consumer must be close, drop-oldest"):
        _core.Server(Room(), asyncio.SelectorEventLoop, slow_consumer="ignore")  # type: ignore
