"""A message to a group whose members have agreed to different things: compressed once for each size
of window, and right for everybody."""

import asyncio
import random
import zlib
from typing import Any

import pytest
from support.apps import Gate, Journal, Receive, Scope, Send
from support.server import LiveServer, Serve
from support.ws import TEXT, Frame, WebSocketClient

from casgi import _core

RSV1 = 4
MESSAGES = 1500
LONG = "message of a group " * 100
OFFERS = {
    "plain": (),
    "full": ("Sec-WebSocket-Extensions: permessage-deflate",),
    "narrow": ("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9",),
    "narrowest": ("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8",),
}


async def talk(scope: Scope, receive: Receive, send: Send) -> None:
    """Join a group; send what comes to it, or, behind "me:", to its client alone."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.group.add", "group": "all"})
    await send({"type": "websocket.send", "text": "joined"})
    while (event := await receive())["type"] == "websocket.receive":
        if event["text"].startswith("me:"):
            await send({"type": "websocket.send", "text": event["text"].removeprefix("me:")})
        else:
            text = event["text"]
            await send({"type": "websocket.group.send", "group": "all", "text": text})


class Member:
    """A client that inflates as its terms say."""

    def __init__(self, server: LiveServer, kind: str, takeover: bool = False) -> None:
        self.kind = kind
        self.client: WebSocketClient = server.websocket(headers=OFFERS[kind])
        bits = {"narrow": -9, "narrowest": -8}.get(kind, -15)
        self._takeover = takeover
        self._new_inflater = lambda: zlib.decompressobj(wbits=bits)
        self._inflater = self._new_inflater()
        assert self.client.read_text() == "joined"

    def read(self) -> tuple[str, Frame]:
        """Return the next message, and its frame."""
        frame = self.client.read_data()
        if not frame.rsv:
            return frame.payload.decode(), frame
        assert self.kind != "plain" and frame.rsv == RSV1
        if not self._takeover:
            self._inflater = self._new_inflater()
        return self._inflater.decompress(frame.payload + b"\0\0\xff\xff").decode(), frame


@pytest.mark.parametrize("takeover", [False, True])
def test_each_member_gets_what_it_has_agreed_to(serve: Serve, takeover: bool) -> None:
    server = serve(talk, ws_deflate=True, ws_deflate_context_takeover=takeover)
    members = [Member(server, kind, takeover) for kind in [*OFFERS, *OFFERS]]
    for text in (LONG, "short", LONG):
        members[0].client.send_text(text)
        received = [member.read() for member in members]
        assert [text for text, _ in received] == [text] * len(members)
        if text == LONG:
            assert [bool(frame.rsv) for _, frame in received] == [
                member.kind != "plain" for member in members
            ]
    for member in members:
        member.client.finish()


def test_compressed_once_for_all(serve: Serve) -> None:
    """While members read nothing, one frame lies in all their queues."""
    reading = Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.group.add", "group": "all"})
        if scope["path"] == "/sender":
            await reading.wait()
            frames = _core.counters()["frames"]
            await send({"type": "websocket.group.send", "group": "all", "text": LONG})
            made = _core.counters()["frames"] - frames
            await send({"type": "websocket.send", "text": str(made)})
        while (await receive())["type"] != "websocket.disconnect":
            pass

    server = serve(application, ws_deflate=True)
    kinds = ["plain", "full", "full", "narrow", "full", "narrow", "plain"]
    clients = [server.websocket(headers=OFFERS[kind]) for kind in kinds]
    sender = server.websocket("/sender", headers=OFFERS["full"])
    reading.open()
    compressed = sender.read_frame()
    made = int(sender.read_text())
    assert made == 3  # plain, and two sizes of window
    frames = [client.read_frame() for client in clients]
    assert frames[1] == frames[2] == frames[4] == compressed
    assert frames[3] == frames[5]
    assert frames[0] == frames[6] == Frame(TEXT, LONG.encode())
    for client in [*clients, sender]:
        client.finish()


def test_own_messages_between_those_of_the_group(serve: Serve) -> None:
    """With takeover, what follows a message of the group does not refer to what came before it."""
    server = serve(talk, ws_deflate=True, ws_deflate_context_takeover=True)
    member = Member(server, "full", takeover=True)
    sizes = []
    for text in ["me:" + LONG, "me:" + LONG, LONG, "me:" + LONG, "me:" + LONG]:
        member.client.send_text(text)
        received, frame = member.read()
        assert received == LONG
        sizes.append(len(frame.payload))
    first, second, of_group, third, fourth = sizes
    assert second < first and fourth < third
    assert first == of_group == third
    member.client.finish()


@pytest.mark.parametrize("takeover", [False, True])
def test_dropped_messages_leave_the_others_readable(serve: Serve, takeover: bool) -> None:
    """A member that is too slow loses compressed messages, and inflates those that come."""
    ready, flooded = Gate(), Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.group.add", "group": "all"})
        await send({"type": "websocket.send", "text": "joined"})
        await ready.wait()
        for number in range(MESSAGES):
            text = f"{number} " + random.Random(number).randbytes(1500).hex()
            await send({"type": "websocket.group.send", "group": "all", "text": text})
            await asyncio.sleep(0)
        flooded.add("all sent")
        await send({"type": "websocket.send", "text": "end " + LONG})
        await receive()

    options: dict[str, Any] = {"slow_consumer": "drop-oldest", "write_backlog_limit": 32768}
    server = serve(application, ws_deflate=True, ws_deflate_context_takeover=takeover, **options)
    server.limit_send_buffer(4096)
    member = Member(server, "full", takeover)
    ready.open()
    flooded.next()
    numbers = []
    while (word := member.read()[0].partition(" ")[0]) != "end":
        numbers.append(int(word))
    assert numbers == sorted(numbers)
    assert 0 < len(numbers) < MESSAGES
    member.client.close()
