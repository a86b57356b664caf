"""Who is in a group is the same for all processes, whoever has added and removed it.

Each story is told twice: with a consumer on a casgi connection, and with the original in its place.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable
from typing import Any, Protocol

import pytest
from original_process import OriginalProcess
from redis import Redis
from support.apps import DEADLINE
from support.redis_server import RedisServer
from support.reports import wait_until
from support.server import LiveServer
from support.ws import WebSocketClient

from casgi.channels.redis.scripts import WRITE

pytestmark = pytest.mark.parametrize("kind", ["core"])

GROUP = "story"
numbers = itertools.count(1)


class Party(Protocol):
    """Somebody who adds, discards and sends."""

    def ask(self, method: str, *arguments: Any) -> Any: ...


class AnotherCasgi:
    """A process with casgi's layer and without the consumer: a view, say."""

    def __init__(self, new_layer: Callable[..., Any]) -> None:
        self._new_layer = new_layer

    def ask(self, method: str, *arguments: Any) -> Any:
        async def call() -> Any:
            layer = self._new_layer()
            try:
                return await getattr(layer, method)(*arguments)
            finally:
                await layer.close_pools()

        return asyncio.run(call())


class Consumer:
    """A consumer on a casgi connection, which does what it is told."""

    def __init__(self, client: WebSocketClient) -> None:
        self._client = client
        client.send_text("name")
        self.name = client.read_text()

    def ask(self, method: str, *arguments: Any) -> None:
        command = {"group_add": "join", "group_discard": "leave"}[method]
        self._client.send_text(f"{command} {arguments[0]}")
        while self._client.read_text() not in ("joined", "left"):
            pass

    def tell(self, command: str) -> None:
        self._client.send_text(command)

    def read(self) -> str:
        return self._client.read_text()

    def hear(self, end: str) -> list[str]:
        return list(iter(self._client.read_text, end))


class Original:
    """The original in its place."""

    def __init__(self, process: OriginalProcess) -> None:
        self.ask = process.ask
        self.name = process.ask("new_channel")

    def hear(self, end: str) -> list[str]:
        return list(iter(lambda: self.ask("receive", self.name)["text"], end))


def heard_of(listener: Any, sender: Party, other: Party) -> int:
    """Return how often the listener hears a message that somebody sends to the group."""
    text, end = f"hello {next(numbers)}", f"end {next(numbers)}"
    sender.ask("group_send", GROUP, {"type": "said", "text": text})
    other.ask("send", listener.name, {"type": "said", "text": end})
    heard: list[str] = listener.hear(end)
    return heard.count(text)


STORIES = {
    "own, own": (["own"], ["own"]),
    "own, theirs": (["own"], ["theirs"]),
    "theirs, own": (["theirs"], ["own"]),
    "theirs, theirs": (["theirs"], ["theirs"]),
    "both, own": (["own", "theirs"], ["own"]),
    "both the other way, theirs": (["theirs", "own"], ["theirs"]),
    "twice, theirs": (["own", "own"], ["theirs"]),
    "out and in again": (["own"], ["theirs", "+own"]),
    "out, and in by them": (["own"], ["own", "+theirs"]),
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
@pytest.mark.parametrize("them", ["original", "casgi"])
@pytest.mark.parametrize("place", ["original", "casgi"])
def test_story(
    story: tuple[list[str], list[str]],
    them: str,
    place: str,
    original: Any,
    new_layer: Any,
    serve_rooms: Any,
) -> None:
    stranger = original()
    theirs: Party = stranger if them == "original" else AnotherCasgi(new_layer)
    if place == "casgi":
        server: LiveServer = serve_rooms(new_layer())
        listener: Any = Consumer(server.websocket("/"))
        neighbour = Consumer(server.websocket("/"))
        neighbour.ask("group_add", GROUP)  # the process is a member in any case
    else:
        listener = Original(original())
    parties: dict[str, Party] = {"own": listener, "theirs": theirs}
    senders = [stranger, AnotherCasgi(new_layer)]
    adds, discards = story
    for who in adds:
        parties[who].ask("group_add", GROUP, listener.name)
    assert [heard_of(listener, one, stranger) for one in senders] == [1, 1]
    for who in discards:
        method = "group_add" if who.startswith("+") else "group_discard"
        parties[who.removeprefix("+")].ask(method, GROUP, listener.name)
    expected = 1 if discards[-1].startswith("+") else 0
    assert [heard_of(listener, one, stranger) for one in senders] == [expected] * 2


def test_own_message_after_somebody_else_has_removed_one(
    original: Any, new_layer: Any, serve_rooms: Any
) -> None:
    server: LiveServer = serve_rooms(new_layer())
    ada, ben = (server.websocket("/") for _ in range(2))
    ben.send_text("name")
    original().ask("group_discard", "room", ben.read_text())
    for number in range(3):
        ada.send_text(f"say {number}")
        assert ada.read_text() == str(number)
    ben.send_text("say I am out")
    assert ada.read_text() == "I am out"
    ben.send_text("join room")
    assert ben.read_text() == "joined"  # and nothing before it
    ada.send_text("say welcome")
    assert [ada.read_text(), ben.read_text()] == ["welcome"] * 2


def test_recipients_are_the_members_at_the_moment_of_sending(
    original: Any, new_layer: Any, serve_rooms: Any, prefix: str, redis: RedisServer
) -> None:
    """The process is behind: what was sent before somebody joined is delivered after it."""
    server: LiveServer = serve_rooms(new_layer())
    ada, ben = (server.websocket("/") for _ in range(2))
    ben.send_text("leave room")
    assert ben.read_text() == "left"
    stranger, view = original(), AnotherCasgi(new_layer)
    ada.send_text("block")  # until the key of the test is there
    with Redis.from_url(redis.url) as client:
        wait_until(lambda: client.exists(f"{prefix}:blocked"), "it does not block")
        for sender in (stranger, view):
            sender.ask("group_send", "room", {"type": "said", "text": "before"})
        ben.send_text("join room")
        client.set(f"{prefix}:go", 1)
    assert ben.read_text() == "joined"
    for sender in (stranger, view):
        sender.ask("group_send", "room", {"type": "said", "text": "after"})
    assert [ada.read_text() for _ in range(4)] == ["before", "before", "after", "after"]
    assert [ben.read_text() for _ in range(2)] == ["after", "after"]


def test_names_in_redis_are_those_of_the_original(
    new_layer: Any, serve_rooms: Any, prefix: str, redis: RedisServer
) -> None:
    server: LiveServer = serve_rooms(new_layer())
    with Redis.from_url(redis.url) as client:
        clients = [server.websocket("/") for _ in range(5)]
        names = {Consumer(one).name.encode() for one in clients}
        assert set(client.zrange(f"{prefix}:group:room", 0, -1)) == names
        clients.pop().close()
        wait_until(lambda: client.zcard(f"{prefix}:group:room") == 4, "a name stays")
        for one in clients:
            one.close()
        wait_until(lambda: not client.keys(f"{prefix}:*room"), "something is left of the group")


class HeldBack:
    """Has the next block that a layer writes come to Redis when it may, behind other commands."""

    def __init__(self, layer: Any, server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.membership = layer._membership
        self.has_begun = threading.Event()
        self._server = server
        self._may_go_on = asyncio.Event()
        self._run = self.membership._run
        monkeypatch.setattr(self.membership, "_run", self._hold)

    async def _hold(self, script: str, *arguments: Any) -> Any:
        if script == WRITE and not self.has_begun.is_set():
            self.has_begun.set()
            await self._may_go_on.wait()
        return await self._run(script, *arguments)

    def go_on(self) -> None:
        self._server.call(self._may_go_on.set)


def check_each_hears_once(ada: Consumer, ben: Consumer, stranger: Any, another: Any) -> None:
    for sender in (stranger, another):
        assert [heard_of(one, sender, stranger) for one in (ada, ben)] == [1, 1]


def test_two_that_join_at_once(
    original: Any, new_layer: Any, serve_rooms: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the first of them has written comes to Redis behind what the second has."""
    layer = new_layer()
    server: LiveServer = serve_rooms(layer)
    ada, ben = (Consumer(server.websocket("/")) for _ in range(2))
    write = HeldBack(layer, server, monkeypatch)
    ada.tell(f"join {GROUP}")
    assert write.has_begun.wait(DEADLINE)
    ben.ask("group_add", GROUP)
    write.go_on()
    assert ada.read() == "joined"
    check_each_hears_once(ada, ben, original(), AnotherCasgi(new_layer))


def test_one_that_joins_while_the_others_are_written_anew(
    original: Any, new_layer: Any, serve_rooms: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = new_layer()
    server: LiveServer = serve_rooms(layer)
    ada, ben = (Consumer(server.websocket("/")) for _ in range(2))
    ada.ask("group_add", GROUP)
    write = HeldBack(layer, server, monkeypatch)
    block = layer._membership.block_of(GROUP)
    writing = asyncio.run_coroutine_threadsafe(layer._membership.write(block), server.loop)
    assert write.has_begun.wait(DEADLINE)
    ben.ask("group_add", GROUP)
    write.go_on()
    writing.result(DEADLINE)
    check_each_hears_once(ada, ben, original(), AnotherCasgi(new_layer))
