"""The replaced await_many_dispatch(): what a consumer is given, in which order, and how it ends."""

import asyncio
from typing import Any

import channels.consumer
import pytest
from channels.consumer import SyncConsumer
from channels.exceptions import StopConsumer
from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import URLRouter
from channels.sessions import SessionMiddlewareStack
from channels.testing import WebsocketCommunicator
from django.test import override_settings
from django.urls import path
from support.reports import wait_until
from support.ws import PING

from . import consumers
from .conftest import Accelerated
from .test_fan_out import MESSAGE, members, send


@pytest.fixture(autouse=True)
def empty_journal() -> None:
    consumers.JOURNAL.clear()


def test_client_and_group_in_turn(accelerated: Accelerated, layer: Any) -> None:
    """Both have several: one of each, the client's first, as the original's loop over its tasks."""
    server = accelerated(consumers.Bare.as_asgi())
    [client] = members(server, layer, 1)

    async def group() -> None:
        for number in range(4):
            await layer.group_send("room", {"type": "room.message", "text": str(number)})

    for number in range(4):
        client.send_text(str(number))
    asyncio.run_coroutine_threadsafe(group(), server.loop).result(10)
    texts = [client.read_text() for _ in range(8)]
    for source in ("client", "group"):
        assert [text for text in texts if text.startswith(source)] == [
            f"{source}: {number}" for number in range(4)
        ]


def test_overridden_dispatch_is_called(accelerated: Accelerated, layer: Any) -> None:
    server = accelerated(consumers.OwnDispatch.as_asgi())
    [client] = members(server, layer, 1)
    send(server, layer, MESSAGE)
    assert client.read_text() == '{"text": "hi"}'
    assert consumers.JOURNAL == ["websocket.connect", "room.message"]
    assert layer.local.shared == 0


def test_stop_consumer_ends_it(accelerated: Accelerated, layer: Any) -> None:
    server = accelerated(consumers.Stopping.as_asgi())
    [client] = members(server, layer, 1)
    send(server, layer, {"type": "room.message", "text": "stop"})
    assert client.read_close()[0] == 1011
    assert "returned without closing" in server.reports.take_errors()[0]
    assert layer.local.groups() == []


def test_exception_ends_it_with_its_traceback(accelerated: Accelerated, layer: Any) -> None:
    server = accelerated(consumers.Stopping.as_asgi())
    [client] = members(server, layer, 1)
    send(server, layer, {"type": "room.message", "text": "raise"})
    assert client.read_close()[0] == 1011
    assert "ValueError: on purpose" in server.reports.take_errors()[0]


def test_disconnect_comes_once(accelerated: Accelerated, layer: Any) -> None:
    server = accelerated(consumers.Bare.as_asgi())
    [client] = members(server, layer, 1)
    client.close()
    server.wait_idle()
    assert consumers.JOURNAL == ["disconnect"]
    assert layer.local.groups() == []


def test_consumer_without_a_layer(accelerated: Accelerated, layer: Any) -> None:
    class Echo(consumers.AsyncWebsocketConsumer):
        channel_layer_alias = "none of this name"

        async def receive(self, text_data: Any = None, bytes_data: Any = None) -> None:
            await self.send(text_data=text_data)

    server = accelerated(Echo.as_asgi())
    client = server.websocket()
    client.send_text("x")
    assert client.read_text() == "x"


def test_sync_http_consumer_keeps_its_session(accelerated: Accelerated) -> None:
    """Its messages go by the send that saves the session, though it could send in its thread."""

    class Counted(SyncConsumer):
        def http_request(self, event: Any) -> None:
            self.scope["session"]["seen"] = True
            self.send({"type": "http.response.start", "status": 200, "headers": []})
            self.send({"type": "http.response.body", "body": b"counted"})

        def http_disconnect(self, event: Any) -> None:
            raise StopConsumer

    with override_settings(SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies"):
        response = accelerated(SessionMiddlewareStack(Counted.as_asgi())).get()
    assert response.body == b"counted"
    assert b"sessionid=" in response.raw


def test_http_consumer_keeps_its_session(accelerated: Accelerated, layer: Any) -> None:
    """It gets the original, with the send that saves the session and sets the cookie."""

    class Visit(AsyncHttpConsumer):
        async def handle(self, body: bytes) -> None:
            self.scope["session"]["seen"] = True
            await self.send_response(200, b"welcome")

    with override_settings(SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies"):
        server = accelerated(SessionMiddlewareStack(Visit.as_asgi()))
        response = server.get()
    assert response.body == b"welcome"
    assert b"sessionid=" in response.raw


def test_consumer_elsewhere_gets_the_original(accelerated: Accelerated, layer: Any) -> None:
    """Channels' own test client is no casgi connection; it hears the same groups."""
    server = accelerated(consumers.Room.as_asgi())
    [client] = members(server, layer, 1)

    async def talk() -> None:
        communicator = WebsocketCommunicator(consumers.Room.as_asgi(), "/")
        assert (await communicator.connect())[0]
        await communicator.send_to(text_data="from elsewhere")
        assert await communicator.receive_from() == '{"text": "from elsewhere"}'
        await communicator.disconnect()

    asyncio.run_coroutine_threadsafe(talk(), server.loop).result(10)
    assert client.read_text() == '{"text": "from elsewhere"}'


def test_consumer_of_another_loop_hears_the_same_groups(
    accelerated: Accelerated, layer: Any
) -> None:
    server = accelerated(consumers.Room.as_asgi())
    [client] = members(server, layer, 1)

    async def talk() -> None:
        communicator = WebsocketCommunicator(consumers.Room.as_asgi(), "/")
        assert (await communicator.connect())[0]
        client.send_text("over there")
        assert await communicator.receive_from() == '{"text": "over there"}'
        await communicator.send_to(text_data="and back")
        assert await communicator.receive_from() == '{"text": "and back"}'
        await communicator.disconnect()

    asyncio.run(talk())
    assert [client.read_text() for _ in range(2)] == [
        '{"text": "over there"}',
        '{"text": "and back"}',
    ]


def test_original_is_back_when_the_last_server_stops(accelerated: Accelerated) -> None:
    from channels.utils import await_many_dispatch

    from casgi.channels.acceleration import acceleration

    first = accelerated(URLRouter([path("", consumers.Room.as_asgi())]))
    first.call(lambda: acceleration.begin(first.loop))
    assert channels.consumer.await_many_dispatch is not await_many_dispatch
    first.call(acceleration.end)
    assert channels.consumer.await_many_dispatch is not await_many_dispatch
    first.call(acceleration.end)
    assert channels.consumer.await_many_dispatch is await_many_dispatch
    first.call(lambda: acceleration.begin(first.loop))


def test_handler_that_waits_is_cancelled_with_its_application(
    accelerated: Accelerated, layer: Any
) -> None:
    server = accelerated(consumers.SlowRoom.as_asgi(), application_close_timeout=0.1)
    [client] = members(server, layer, 1)
    client.send_text("x")
    assert client.read_text() == "before x"
    client.close()
    wait_until(lambda: server.count() == (0, 0), "the application is still there")
    assert layer.local.groups() == []
    server.reports.take_errors()


def test_task_of_a_handler_begins_before_the_next_handler(accelerated: Accelerated) -> None:
    """As with the original, which makes a task for the next event in between."""
    server = accelerated(consumers.Starting.as_asgi())
    client = server.websocket()
    client.send_text("start")
    client.send_text("next")
    client.send_frame(PING, b"read")
    assert client.read_frame().payload == b"read"
    server.call(consumers.Starting.gate.set)
    assert [client.read_text(), client.read_text()] == ["task", "next"]


def test_consumer_that_joins_too_many_groups(accelerated: Accelerated, layer: Any) -> None:
    class Joiner(AsyncWebsocketConsumer):
        groups = ["own"]

        async def receive(self, text_data: Any = None, bytes_data: Any = None) -> None:
            try:
                await self.channel_layer.group_add(text_data, self.channel_name)
            except RuntimeError as error:
                await self.send(str(error).partition(": ")[2])
            else:
                await self.send("joined")

    client = accelerated(Joiner.as_asgi(), websocket_max_groups=2).websocket()
    for group, answer in [
        ("a", "joined"),
        ("b", "its WebSocket is in 2 groups, as many as --websocket-max-groups allows"),
        ("a", "joined"),
    ]:
        client.send_text(group)
        assert client.read_text() == answer
    assert sorted(layer.local.groups()) == ["a", "own"]
