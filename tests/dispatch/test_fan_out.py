"""What a group message does to the members: shared frames, events, and who gets which."""

import asyncio
import json
import logging
import threading
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from django.urls import path
from support.reports import wait_until
from support.server import LiveServer
from support.ws import PING, WebSocketClient

from . import consumers
from .conftest import Accelerated


def send(server: LiveServer, layer: Any, message: dict[str, Any], group: str = "room") -> None:
    """Send to a group from a task of the server's loop."""
    asyncio.run_coroutine_threadsafe(layer.group_send(group, message), server.loop).result(10)


def members(server: LiveServer, layer: Any, count: int, query: str = "") -> list[WebSocketClient]:
    clients = [server.websocket("/" + query) for _ in range(count)]
    wait_until(lambda: len(layer.local.channels("room")) >= count, "not all have joined")
    wait_until(lambda: _all_idle(server, layer), "not all are idle")
    return clients


def _all_idle(server: LiveServer, layer: Any) -> bool:
    return server.call(lambda: all(one.is_idle for one in layer.local._core.listening()))


MESSAGE = {"type": "room.message", "text": "hi"}
"""Of a handler that can be proved."""
NAMED = {"type": "room.named", "text": "hi"}
"""Of one that has to run for each consumer."""


@pytest.mark.parametrize("kind", [consumers.Room, consumers.JsonRoom, consumers.SyncRoom])
def test_proved_handler_runs_once(accelerated: Accelerated, layer: Any, kind: Any) -> None:
    server = accelerated(kind.as_asgi())
    clients = members(server, layer, 3)
    send(server, layer, MESSAGE)
    assert [json.loads(client.read_text()) for client in clients] == [{"text": "hi"}] * 3
    assert layer.local.shared == 3


@pytest.mark.parametrize("kind", [consumers.Room, consumers.SyncRoom])
def test_other_handler_runs_for_each(accelerated: Accelerated, layer: Any, kind: Any) -> None:
    server = accelerated(kind.as_asgi())
    clients = members(server, layer, 3)
    names = layer.local.channels("room")
    send(server, layer, NAMED)
    assert [client.read_text() for client in clients] == [f"hi for {name}" for name in names]
    assert layer.local.shared == 0


def test_declared_handler_runs_once(accelerated: Accelerated, layer: Any) -> None:
    server = accelerated(consumers.Declared.as_asgi())
    clients = members(server, layer, 2)
    send(server, layer, MESSAGE)
    assert [client.read_text() for client in clients] == ["hello hi"] * 2
    assert layer.local.shared == 2


def test_session_and_authentication_do_not_hinder(accelerated: Accelerated, layer: Any) -> None:
    application = AuthMiddlewareStack(URLRouter([path("", consumers.Room.as_asgi())]))
    server = accelerated(application)
    clients = members(server, layer, 2)
    send(server, layer, MESSAGE)
    assert all(client.read_text() for client in clients)
    assert layer.local.shared == 2


def test_middleware_that_wraps_send_sees_every_message(
    accelerated: Accelerated, layer: Any
) -> None:
    inner = consumers.Room.as_asgi()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        async def shout(message: Any) -> None:
            if "text" in message:
                message = {**message, "text": message["text"].upper()}
            await send(message)

        await inner(scope, receive, shout)

    server = accelerated(application)
    [client] = members(server, layer, 1)
    send(server, layer, MESSAGE)
    assert client.read_text() == '{"TEXT": "HI"}'
    assert layer.local.shared == 0


def test_attribute_of_the_instance_counts(accelerated: Accelerated, layer: Any) -> None:
    server = accelerated(consumers.Shadowed.as_asgi())
    plain = members(server, layer, 1)
    shadowed = server.websocket("/?shadow")
    wait_until(lambda: len(layer.local.channels("room")) == 2, "has not joined")
    send(server, layer, MESSAGE)
    assert plain[0].read_text() == '{"text": "hi"}'
    assert shadowed.read_text() == 'mine: {"text": "hi"}'


def test_class_of_the_instance_counts(accelerated: Accelerated, layer: Any) -> None:
    server = accelerated(consumers.Room.as_asgi())
    plain, other = members(server, layer, 2)
    for channel in layer.local._core.listening():
        if channel.name == layer.local.channels("room")[1]:
            channel.consumer.__class__ = consumers.Declared
    send(server, layer, MESSAGE)
    assert plain.read_text() == '{"text": "hi"}'
    assert other.read_text() == "hello hi"


def test_text_that_is_no_utf8_is_each_consumers_error(accelerated: Accelerated, layer: Any) -> None:
    server = accelerated(consumers.Declared.as_asgi())
    clients = members(server, layer, 2)
    send(server, layer, {"type": "room.message", "text": "\ud800"})
    assert [client.read_close()[0] for client in clients] == [1011, 1011]
    assert all("UnicodeEncodeError" in error for error in server.reports.take_errors())


def test_member_in_the_midst_of_a_handler_gets_it_afterwards(
    accelerated: Accelerated, layer: Any
) -> None:
    server = accelerated(consumers.SlowRoom.as_asgi())
    busy, idle = members(server, layer, 2)
    # The gate is of the class: it was made anew by the second to connect, which waits for nothing.
    busy.send_text("x")
    assert busy.read_text() == "before x"
    send(server, layer, MESSAGE)
    assert idle.read_text() == '{"text": "hi"}'
    server.call(consumers.SlowRoom.gate.set)
    assert busy.read_text() == "after x"
    assert busy.read_text() == '{"text": "hi"}'
    assert layer.local.shared == 1


def test_members_of_several_classes(accelerated: Accelerated, layer: Any) -> None:
    server = accelerated(
        URLRouter([path("a", consumers.Room.as_asgi()), path("b", consumers.Declared.as_asgi())])
    )
    first, second = server.websocket("/a"), server.websocket("/b")
    wait_until(lambda: len(layer.local.channels("room")) == 2, "not all have joined")
    send(server, layer, MESSAGE)
    assert first.read_text() == '{"text": "hi"}'
    assert second.read_text() == "hello hi"


def test_message_that_is_not_plain_reaches_each_consumer(
    accelerated: Accelerated, layer: Any
) -> None:
    class Text(str):
        pass

    server = accelerated(consumers.Room.as_asgi())
    clients = members(server, layer, 2)
    send(server, layer, {"type": "room.message", "text": Text("hi")})
    assert [client.read_text() for client in clients] == ['{"text": "hi"}'] * 2
    assert layer.local.shared == 0


def test_unknown_handler_ends_each_consumer_as_ever(accelerated: Accelerated, layer: Any) -> None:
    server = accelerated(consumers.Room.as_asgi())
    clients = members(server, layer, 2)
    send(server, layer, {"type": "nobody.knows"})
    assert [client.read_close()[0] for client in clients] == [1011, 1011]
    errors = server.reports.take_errors()
    assert len(errors) == 2
    assert all("No handler for message type nobody.knows" in error for error in errors)


def test_own_message_comes_after_the_handler(accelerated: Accelerated, layer: Any) -> None:
    """A consumer that sends to its group is not idle: it hears itself when it is done."""
    server = accelerated(consumers.Room.as_asgi())
    first, second = members(server, layer, 2)
    for number in range(30):
        first.send_text(str(number))
    expected = [json.dumps({"text": str(number)}) for number in range(30)]
    assert [first.read_text() for _ in expected] == expected
    assert [second.read_text() for _ in expected] == expected


def test_members_in_order_and_counted(accelerated: Accelerated, layer: Any) -> None:
    server = accelerated(consumers.Room.as_asgi())
    clients = members(server, layer, 3)
    names = asyncio.run(layer.group_channels("room"))
    assert len(names) == 3
    assert names == layer.local.channels("room")
    clients[1].close()
    wait_until(lambda: len(layer.local.channels("room")) == 2, "has not left")
    assert layer.local.channels("room") == [names[0], names[2]]


def test_membership_ends_with_the_connection(accelerated: Accelerated, layer: Any) -> None:
    server = accelerated(consumers.NeverLeaving.as_asgi())
    [client] = members(server, layer, 1)
    client.close()
    wait_until(lambda: layer.local.groups() == [], "the group is still there")


def test_message_that_a_waiting_consumer_takes_fills_no_channel(
    accelerated: Accelerated, layer: Any
) -> None:
    """Channels' own task has taken the first when the sender goes on, and the second waits."""
    layer.capacity = 1
    server = accelerated(consumers.Room.as_asgi())
    [client] = members(server, layer, 1)
    [name] = layer.local.channels("room")

    async def send_two() -> None:
        for text in ("first", "second"):
            await layer.group_send("room", {"type": "room.named", "text": text})

    for _ in range(3):
        asyncio.run_coroutine_threadsafe(send_two(), server.loop).result(10)
        texts = [client.read_text() for _ in range(2)]
        assert texts == [f"first for {name}", f"second for {name}"]
    assert layer.local.dropped == 0


def test_who_disconnects_counts_and_gets_nothing(accelerated: Accelerated, layer: Any) -> None:
    """The last one out deletes the room, who must not be the last but one."""
    left, heard = consumers.LastOneOut.left, consumers.LastOneOut.heard
    left.clear()
    heard.clear()
    server = accelerated(consumers.LastOneOut.as_asgi())
    clients = members(server, layer, 3)
    names = layer.local.channels("room")
    for number, client in enumerate(clients):
        client.close()
        wait_until(lambda number=number: len(left) > number, "it was not told of its end")
        wait_until(lambda number=number: layer.local.size("room") == 2 - number, "it has not left")
    assert left == [(3, 3, 0), (2, 2, 0), (1, 1, 0)]
    assert heard == [names[1], names[2], names[2]]
    assert layer.groups == {}


def test_from_another_thread_without_a_loop(accelerated: Accelerated, layer: Any) -> None:
    server = accelerated(consumers.Room.as_asgi())
    clients = members(server, layer, 2)
    for number in range(50):
        async_to_sync(layer.group_send)("room", {"type": "room.message", "text": str(number)})
    expected = [json.dumps({"text": str(number)}) for number in range(50)]
    for client in clients:
        assert [client.read_text() for _ in expected] == expected


def test_from_many_threads(accelerated: Accelerated, layer: Any) -> None:
    server = accelerated(consumers.Room.as_asgi())
    clients = members(server, layer, 2)

    def talk(name: int) -> None:
        for number in range(100):
            text = f"{name} {number}"
            async_to_sync(layer.group_send)("room", {"type": "room.message", "text": text})

    threads = [threading.Thread(target=talk, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    received = [[json.loads(client.read_text())["text"] for _ in range(400)] for client in clients]
    for thread in threads:
        thread.join(10)
    for texts in received:
        for name in range(4):
            own = [text for text in texts if text.startswith(f"{name} ")]
            assert own == [f"{name} {number}" for number in range(100)]


def test_burst_of_one_task_loses_nothing(accelerated: Accelerated, layer: Any) -> None:
    """More messages than a channel holds, from one task that never waits for anything else."""
    server = accelerated(consumers.Room.as_asgi())
    clients = members(server, layer, 3)

    async def burst() -> None:
        for number in range(500):
            kind = "room.message" if number % 2 else "room.named"
            await layer.group_send("room", {"type": kind, "text": str(number)})

    asyncio.run_coroutine_threadsafe(burst(), server.loop).result(10)
    for client in clients:
        assert len([client.read_text() for _ in range(500)]) == 500
    assert layer.local.dropped == 0


def test_full_channel_loses_the_message_and_others_do_not(
    accelerated: Accelerated, layer: Any
) -> None:
    server = accelerated(consumers.SlowRoom.as_asgi())
    busy, idle = members(server, layer, 2)
    busy.send_text("x")
    assert busy.read_text() == "before x"
    for number in range(30):
        send(server, layer, {"type": "room.message", "text": number})
    server.call(consumers.SlowRoom.gate.set)
    assert [json.loads(idle.read_text())["text"] for _ in range(30)] == list(range(30))
    assert busy.read_text() == "after x"
    # One more than the capacity, as the original: its task holds one while receive() runs.
    assert [json.loads(busy.read_text())["text"] for _ in range(21)] == list(range(21))
    assert layer.local.dropped == 9


def test_gap_is_told_to_those_who_ask(accelerated: Accelerated, layer: Any) -> None:
    server = accelerated(
        URLRouter([path("gap", consumers.Gap.as_asgi()), path("", consumers.Room.as_asgi())])
    )
    [listener, other] = [server.websocket("/gap"), server.websocket("/")]
    wait_until(lambda: len(layer.local.channels("room")) == 2, "not all have joined")
    assert server.call(layer.local.report_gap) == 1
    send(server, layer, MESSAGE)
    assert [listener.read_text(), listener.read_text()] == ["gap", '{"text": "hi"}']
    assert other.read_text() == '{"text": "hi"}'


def test_gap_is_told_to_a_full_channel(accelerated: Accelerated, layer: Any) -> None:
    server = accelerated(consumers.SlowGap.as_asgi())
    [busy] = members(server, layer, 1)
    busy.send_text("x")
    assert busy.read_text() == "before x"
    for number in range(30):
        send(server, layer, {"type": "room.message", "text": number})
    assert server.call(layer.local.report_gap) == 1
    server.call(consumers.SlowGap.gate.set)
    assert busy.read_text() == "after x"
    assert [busy.read_text() for _ in range(22)][-1] == "gap"


def test_verification_finds_what_differs(
    accelerated: Accelerated, layer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server = accelerated(consumers.WronglyDeclared.as_asgi(), verify=True)
    clients = [*members(server, layer, 1, "?anna"), server.websocket("/?bert")]
    wait_until(lambda: len(layer.local.channels("room")) == 2, "not all have joined")
    with caplog.at_level(logging.ERROR, logger="casgi.channels"):
        send(server, layer, MESSAGE)
        assert [client.read_text() for client in clients] == ["hi anna", "hi bert"]
        wait_until(lambda: len(caplog.records) == 2, "not all were reported")
    for name, record in zip(["anna", "bert"], caplog.records, strict=True):
        assert f"sent ['hi {name}'], its shared run ['hi nobody']" in record.getMessage()
    server.reports.take_errors()


def test_verification_finds_what_depends_on_the_context(
    accelerated: Accelerated, layer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server = accelerated(consumers.Translated.as_asgi(), verify=True)
    [client] = members(server, layer, 1, "?fr")
    with caplog.at_level(logging.ERROR, logger="casgi.channels"):
        send(server, layer, MESSAGE)
        assert client.read_text() == "hi in fr"
        wait_until(lambda: len(caplog.records) == 1, "it was not reported")
    assert "sent ['hi in fr'], its shared run ['hi in en']" in caplog.records[0].getMessage()
    server.reports.take_errors()


def test_verification_finds_what_raises(
    accelerated: Accelerated, layer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server = accelerated(consumers.Refusing.as_asgi(), verify=True)
    [client] = members(server, layer, 1)
    with caplog.at_level(logging.ERROR, logger="casgi.channels"):
        send(server, layer, MESSAGE)
        assert client.read_close()[0] == 1011
    messages = [record.getMessage() for record in caplog.records]
    assert any("sent [ValueError('on purpose')], its shared run ['hi']" in one for one in messages)
    caplog.clear()  # its tracebacks keep the connection
    server.reports.take_errors()


def test_verification_leaves_out_who_gets_no_shared_frame(
    accelerated: Accelerated, layer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server = accelerated(consumers.Shadowed.as_asgi(), verify=True)
    [client] = members(server, layer, 1, "?shadow")
    send(server, layer, MESSAGE)
    assert client.read_text() == 'mine: {"text": "hi"}'
    client.send_frame(PING, b"read")
    assert client.read_frame().payload == b"read"
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_verification_says_nothing_of_what_is_the_same(
    accelerated: Accelerated, layer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server = accelerated(
        URLRouter([path("a", consumers.Room.as_asgi()), path("b", consumers.SyncRoom.as_asgi())]),
        verify=True,
    )
    clients = [server.websocket("/a"), server.websocket("/b")]
    wait_until(lambda: len(layer.local.channels("room")) == 2, "not all have joined")
    for message in (MESSAGE, NAMED):
        send(server, layer, message)
        assert all(client.read_text().strip("{").split(":")[-1] for client in clients)
    assert layer.local.shared == 0
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
