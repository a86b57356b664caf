"""The extension websocket.group: groups and broadcast without Channels."""

import asyncio
import json
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from support.apps import Journal, Receive, Scope, Send
from support.server import LiveServer, Serve
from support.ws import WebSocketClient

from casgi import ClientDisconnected


async def rooms(scope: Scope, receive: Receive, send: Send) -> None:
    """Do what each text says, as JSON of an ASGI message; answer plain text with an echo."""
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        if not event["text"].startswith("{"):
            await send({"type": "websocket.send", "text": event["text"]})
            continue
        await send(json.loads(event["text"]))


def tell(client: WebSocketClient, kind: str, **values: Any) -> None:
    client.send_text(json.dumps({"type": f"websocket.group.{kind}", **values}))


def settle(client: WebSocketClient) -> None:
    """Wait until the server has done what the client told it."""
    client.send_text("settled")
    assert client.read_text() == "settled"


def join(server: LiveServer, *groups: str) -> WebSocketClient:
    client = server.websocket()
    for group in groups:
        tell(client, "add", group=group)
    settle(client)
    return client


def test_extension_is_announced(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add(scope["extensions"])
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close"})

    with serve(application).websocket():
        assert journal.next()["websocket.group"] == {}


def test_members_hear_and_others_do_not(serve: Serve) -> None:
    server = serve(rooms)
    members = [join(server, "a") for _ in range(3)]
    other = join(server, "b")
    tell(members[0], "send", group="a", text="hé")
    assert [member.read_text() for member in members] == ["hé"] * 3
    settle(other)


def test_order_of_a_members_own_messages_and_the_groups(serve: Serve) -> None:
    client = join(serve(rooms), "a")
    client.send_text("first")
    tell(client, "send", group="a", text="second")
    client.send_text("third")
    assert [client.read_text() for _ in range(3)] == ["first", "second", "third"]


def test_without_the_sender(serve: Serve) -> None:
    server = serve(rooms)
    one, two = join(server, "a"), join(server, "a")
    tell(one, "send", group="a", text="x", include_self=False)
    assert two.read_text() == "x"
    settle(one)


def test_joining_twice_is_joining_once(serve: Serve) -> None:
    client = join(serve(rooms), "a", "a")
    tell(client, "send", group="a", text="x")
    assert client.read_text() == "x"
    settle(client)


def test_discard(serve: Serve) -> None:
    client = join(serve(rooms), "a", "b")
    tell(client, "discard", group="a")
    tell(client, "discard", group="never joined")
    tell(client, "send", group="a", text="a")
    tell(client, "send", group="b", text="b")
    assert client.read_text() == "b"
    settle(client)


def test_group_that_nobody_is_in(serve: Serve) -> None:
    client = join(serve(rooms))
    tell(client, "send", group="empty", text="x")
    settle(client)


@pytest.mark.parametrize("way", ["close", "reset"])
def test_membership_ends_with_the_connection(serve: Serve, way: str) -> None:
    server = serve(rooms)
    gone, stays = join(server, "a"), join(server, "a")
    gone.reset() if way == "reset" else gone.finish()
    tell(stays, "send", group="a", text="x")
    assert stays.read_text() == "x"


def test_many_groups_and_members(serve: Serve) -> None:
    server = serve(rooms)
    names = [f"group {number}" for number in range(100)]
    clients = [join(server, *names) for _ in range(10)]
    for name in names:
        tell(clients[0], "send", group=name, text=name)
    for client in clients:
        assert [client.read_text() for _ in names] == names


def test_member_that_does_not_read_is_closed(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.group.add", "group": "a"})
        if scope["path"] == "/slow":
            journal.add("joined")
            journal.add(await receive())
            return
        for _ in range(400):
            await send({"type": "websocket.group.send", "group": "a", "bytes": b"x" * 65536})
            await asyncio.sleep(0)
        await send({"type": "websocket.close"})

    server = serve(application, write_backlog_limit=1 << 20)
    slow = server.websocket_connect(receive_buffer=4096)
    slow.handshake("/slow")
    assert journal.next() == "joined"
    with server.websocket() as fast:
        assert [len(fast.read_binary()) for _ in range(400)] == [65536] * 400
    event = journal.next()
    assert (event["type"], event["code"]) == ("websocket.disconnect", 1008)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "websocket.group.add"},
        {"type": "websocket.group.add", "group": ""},
        {"type": "websocket.group.add", "group": 1},
        {"type": "websocket.group.send", "group": "a"},
        {"type": "websocket.group.send", "group": "a", "text": "x", "bytes": b"x"},
        {"type": "websocket.group.send", "group": "a", "text": b"x"},
        {"type": "websocket.group.other", "group": "a"},
    ],
)
def test_message_that_is_wrong(serve: Serve, message: dict[str, Any]) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            await send(message)
        except (TypeError, ValueError) as error:
            journal.add(str(error))
        await send({"type": "websocket.close"})

    with serve(application).websocket():
        assert journal.next()


GROUP_MESSAGES = [
    {"type": "websocket.group.add", "group": "a"},
    {"type": "websocket.group.discard", "group": "a"},
    {"type": "websocket.group.send", "group": "a", "text": "x"},
]


@pytest.mark.parametrize("message", GROUP_MESSAGES, ids=lambda message: message["type"][16:])
def test_before_accept_and_after_close(serve: Serve, message: dict[str, Any]) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await send(message)
        except RuntimeError as error:
            journal.add(type(error))
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close"})
        try:
            await send(message)
        except ClientDisconnected as error:
            journal.add(type(error))

    with serve(application).websocket():
        assert journal.next() is RuntimeError
        assert journal.next() is ClientDisconnected


def test_member_of_as_many_groups_as_it_may_be_in(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for action, group in [("add", "a"), ("add", "b"), ("add", "a"), ("add", "c")]:
            try:
                await send({"type": f"websocket.group.{action}", "group": group})
            except RuntimeError as error:
                journal.add(str(error))
        await send({"type": "websocket.group.discard", "group": "a"})
        await send({"type": "websocket.group.add", "group": "c"})
        await send({"type": "websocket.group.send", "group": "c", "text": "in c"})
        await receive()

    client = serve(application, websocket_max_groups=2).websocket()
    error = journal.next()
    assert error == (
        "websocket.group.add: this WebSocket is in 2 groups,"
        " as many as --websocket-max-groups allows"
    )
    assert client.read_text() == "in c"


async def starlette_room(websocket: WebSocket) -> None:
    """The example of docs/groups.md."""
    room = websocket.path_params["room"]
    await websocket.accept()
    await websocket._send({"type": "websocket.group.add", "group": room})
    async for text in websocket.iter_text():
        await websocket._send({"type": "websocket.group.send", "group": room, "text": text})


def test_starlette(serve: Serve) -> None:
    server = serve(Starlette(routes=[WebSocketRoute("/rooms/{room}", starlette_room)]))
    one, two = server.websocket("/rooms/a"), server.websocket("/rooms/a")
    two.send_text("both are in")
    assert two.read_text() == "both are in"
    one.send_text("hello")
    while one.read_text() != "hello":
        pass
    assert two.read_text() == "hello"
