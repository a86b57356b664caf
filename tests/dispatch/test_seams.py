"""Where an application takes part in what Channels does: it must see no difference."""

import asyncio
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from channels.layers import channel_layers
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path
from support.raw import request
from support.reports import wait_until
from support.server import LiveServer, Serve
from support.ws import PING, WebSocketClient

from . import consumers, seam_consumers
from .conftest import Accelerated
from .test_fan_out import MESSAGE, NAMED, members, send


@pytest.fixture(autouse=True)
def empty_journal() -> None:
    consumers.JOURNAL.clear()


@pytest.fixture
def other_layer() -> Iterator[Any]:
    """A second layer of the same class, with the alias "other"."""
    from casgi.channels import ChannelLayer

    ours = ChannelLayer()
    channel_layers.backends["other"] = ours
    yield ours
    ours.local.flush()
    del channel_layers.backends["other"]


def run_script(script: str) -> None:
    """Run it in an interpreter of its own, which has imported nothing of casgi's yet."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60, env=environment)


def test_dispatch_of_the_instance_sees_every_message(accelerated: Accelerated, layer: Any) -> None:
    server = accelerated(seam_consumers.WatchedDispatch.as_asgi())
    clients = members(server, layer, 2)
    send(server, layer, MESSAGE)
    assert [client.read_text() for client in clients] == ['{"text": "hi"}'] * 2
    assert sorted(consumers.JOURNAL) == ["room.message"] * 2 + ["websocket.connect"] * 2
    assert layer.local.shared == 0


def test_base_send_that_was_replaced_later(accelerated: Accelerated, layer: Any) -> None:
    server = accelerated(seam_consumers.Silenced.as_asgi())
    [client] = members(server, layer, 1)
    send(server, layer, MESSAGE)
    assert client.read_text() == '{"text": "hi"}'
    assert consumers.JOURNAL == ["websocket.send"]
    assert layer.local.shared == 0


@pytest.mark.parametrize("name", ["Rewriting", "Slotted", "Storing", "Watching"])
def test_attributes_that_its_class_answers_for(
    accelerated: Accelerated, serve: Serve, layer: Any, name: str
) -> None:
    """They are set and read as often as under stock Channels, with the same effect."""
    kind = getattr(seam_consumers, name)
    journals = []
    for server in (serve(kind.as_asgi()), accelerated(kind.as_asgi())):
        consumers.JOURNAL.clear()
        clients = members(server, layer, 2) if journals else joined(server, layer)
        send(server, layer, MESSAGE)
        assert [client.read_text() for client in clients] == ['{"text": "hi"}'] * 2
        server.forget_clients()
        server.wait_idle()
        journals.append(Counter(consumers.JOURNAL))
    assert journals[0] == journals[1]
    assert layer.local.shared == 0


def joined(server: LiveServer, layer: Any) -> list[WebSocketClient]:
    clients = [server.websocket() for _ in range(2)]
    wait_until(lambda: len(layer.local.channels("room")) == 2, "not all have joined")
    return clients


@pytest.mark.parametrize("name", ["send", "room_message"])
def test_method_of_another_instance(accelerated: Accelerated, layer: Any, name: str) -> None:
    """As multiplexers do it: what one consumer sends goes to the WebSocket of the other."""
    server = accelerated(consumers.Room.as_asgi())
    first, second = members(server, layer, 2)
    by_name = {channel.name: channel.consumer for channel in layer.local._core.listening()}
    one, other = (by_name.pop(channel) for channel in layer.local.channels("room"))
    setattr(other, name, getattr(one, name))
    del one, other
    send(server, layer, MESSAGE)
    assert [first.read_text(), first.read_text()] == ['{"text": "hi"}'] * 2
    second.send_frame(PING, b"read")
    assert second.read_frame().payload == b"read"


def test_handler_receives_from_its_client(accelerated: Accelerated, layer: Any) -> None:
    inner = seam_consumers.Conversing.as_asgi()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await inner({**scope, "receive": receive}, receive, send)

    server = accelerated(application)
    [client] = members(server, layer, 1)
    client.send_text("ask")
    assert client.read_text() == "asked"
    send(server, layer, MESSAGE)
    client.send_text("answer")
    assert [client.read_text(), client.read_text()] == ["answer", '{"text": "hi"}']


def test_handler_receives_from_its_own_channel(accelerated: Accelerated, layer: Any) -> None:
    server = accelerated(seam_consumers.Asking.as_asgi())
    [client] = members(server, layer, 1)
    send(server, layer, MESSAGE)
    assert client.read_text() == "asked"
    [name] = layer.local.channels("room")
    answer = layer.send(name, {"type": "answer", "text": "42"})
    asyncio.run_coroutine_threadsafe(answer, server.loop).result(10)
    assert client.read_text() == "42"


@pytest.mark.parametrize("kind", [seam_consumers.Stepping, seam_consumers.SteppingByOwnDispatch])
def test_consumer_that_always_has_a_message_lets_others_go_on(
    accelerated: Accelerated, layer: Any, kind: Any
) -> None:
    server = accelerated(kind.as_asgi())
    stepping, other = members(server, layer, 2)
    asyncio.run_coroutine_threadsafe(
        layer.group_discard("room", layer.local.channels("room")[1]), server.loop
    ).result(10)
    send(server, layer, MESSAGE)
    wait_until(lambda: len(consumers.JOURNAL) > 100, "it does not step")
    other.send_text("x")
    assert other.read_text() == "True"
    stepping.close()


def test_layer_with_its_own_receive(accelerated: Accelerated, layer: Any) -> None:
    marking = seam_consumers.Marking()
    channel_layers.set("default", marking)
    server = accelerated(consumers.Room.as_asgi())
    client = server.websocket()
    wait_until(lambda: marking.local.channels("room"), "has not joined")
    send(server, marking, MESSAGE)
    assert client.read_text() == '{"text": "marked hi"}'


def test_receive_that_is_wrapped(
    accelerated: Accelerated, layer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As tools that trace an application do."""
    plain = type(layer).receive

    async def traced(self: Any, channel: str) -> Any:
        message = await plain(self, channel)
        consumers.JOURNAL.append(message["type"])
        return message

    monkeypatch.setattr(type(layer), "receive", traced)
    server = accelerated(consumers.Room.as_asgi())
    client = server.websocket()
    wait_until(lambda: layer.local.channels("room"), "has not joined")
    send(server, layer, MESSAGE)
    assert client.read_text() == '{"text": "hi"}'
    assert consumers.JOURNAL == ["room.message"]


def test_two_consumers_of_one_channel(accelerated: Accelerated, layer: Any) -> None:
    """The second does not take the channel from the first."""
    server = accelerated(seam_consumers.NamedAlike.as_asgi())
    first = server.websocket()
    wait_until(lambda: layer.local.is_bound("specific.one"), "does not listen")
    server.websocket().close()
    wait_until(lambda: server.count()[1] == 1, "the second has not ended")
    assert layer.local.is_bound("specific.one")
    message = layer.send("specific.one", MESSAGE)
    asyncio.run_coroutine_threadsafe(message, server.loop).result(10)
    assert first.read_text() == '{"text": "hi"}'


def test_two_layers(accelerated: Accelerated, layer: Any, other_layer: Any) -> None:
    server = accelerated(
        URLRouter([path("a", consumers.Room.as_asgi()), path("b", seam_consumers.Other.as_asgi())])
    )
    first, second = server.websocket("/a"), server.websocket("/b")
    wait_until(lambda: layer.local.channels("room"), "has not joined")
    wait_until(lambda: other_layer.local.channels("room"), "has not joined")
    send(server, layer, {"type": "room.message", "text": "default"})
    send(server, other_layer, {"type": "room.message", "text": "other"})
    assert first.read_text() == '{"text": "default"}'
    assert second.read_text() == '{"text": "other"}'


def test_http_consumer_hears_the_same_groups(accelerated: Accelerated, layer: Any) -> None:
    application = ProtocolTypeRouter(
        {"http": seam_consumers.Polling.as_asgi(), "websocket": consumers.Room.as_asgi()}
    )
    server = accelerated(application)
    [client] = members(server, layer, 1)
    http = server.connect()
    http.send(request())
    wait_until(lambda: len(layer.local.channels("room")) == 2, "has not joined")
    send(server, layer, MESSAGE)
    assert client.read_text() == '{"text": "hi"}'
    assert http.read_response().body == b"hi"


def test_consumer_that_outlives_its_websocket_joins_nothing(
    accelerated: Accelerated, layer: Any
) -> None:
    server = accelerated(seam_consumers.Lingering.as_asgi(), application_close_timeout=0.1)
    [client] = members(server, layer, 1)
    client.close()
    wait_until(lambda: server.count() == (0, 0), "the application is still there")
    assert consumers.JOURNAL == [[]]
    server.reports.take_errors()


def test_worker_that_the_lifespan_has_started() -> None:
    """It waits for messages before casgi listens, on the layer as the settings have it."""
    script = """
import asyncio
from support.django_settings import configure_django
configure_django()
from channels.consumer import AsyncConsumer
from channels.layers import get_channel_layer
import casgi

async def worker():
    heard.set_result(await get_channel_layer().receive("tasks"))

async def application(scope, receive, send):
    await receive()
    task = asyncio.create_task(worker())
    await asyncio.sleep(0.01)
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})

async def main():
    global heard
    heard = asyncio.get_running_loop().create_future()
    async with casgi.Server(application, casgi.Config(port=0, lifespan="on")):
        await get_channel_layer().send("tasks", {"type": "task"})
        assert await asyncio.wait_for(heard, 10) == {"type": "task"}

asyncio.run(main())
"""
    run_script(script)


@pytest.mark.parametrize("imported", ["django.core.handlers.asgi", "channels.consumer"])
def test_what_casgi_itself_replaces_is_relied_on(imported: str) -> None:
    """Parts of asgiref that Channels relies on are replaced for Django's requests."""
    script = f"""
import asyncio, importlib, logging
from support.django_settings import configure_django
configure_django()
importlib.import_module({imported!r})
import casgi

async def application(scope, receive, send):
    await receive()
    importlib.import_module("django.core.handlers.asgi")
    importlib.import_module("channels.consumer")
    await send({{"type": "lifespan.startup.complete"}})
    await receive()
    await send({{"type": "lifespan.shutdown.complete"}})

async def main():
    from casgi.channels.acceleration import acceleration
    for _ in range(2):
        async with casgi.Server(application, casgi.Config(port=0, lifespan="on")):
            seam = acceleration._seam
            parts = seam.dispatch, seam.closing, seam.sync_dispatch, seam.sessions
            changes = [part.change for part in parts]
            assert changes == [None] * 4, changes
            assert all(part.holds() for part in parts)
        assert acceleration._seam is None

    from asgiref import sync
    from casgi.origin import change_in
    assert change_in("asgiref.sync", ["AsyncToSync", "SyncToAsync"]) is None
    sync.AsyncToSync.__call__ = lambda self: None
    assert "replaced" in change_in("asgiref.sync", ["AsyncToSync"])

asyncio.run(main())
"""
    run_script(script)


def test_session_that_saves_at_other_messages() -> None:
    """Changed before casgi's part was imported: the wrapper is not left out."""
    script = """
from support.django_settings import configure_django
configure_django()
from channels.sessions import InstanceSessionWrapper
InstanceSessionWrapper.save_message_types.append("websocket.accept")
from casgi.channels.seam import Seam
assert "save_message_types was changed" in Seam().sessions.change
"""
    run_script(script)


def test_sending_and_leaving_in_many_threads(accelerated: Accelerated, layer: Any) -> None:
    """Of the layer's own methods, on loops of their own, while the consumers' loop runs."""
    server = accelerated(consumers.Room.as_asgi())
    clients = members(server, layer, 2)

    async def work(name: int) -> None:
        for number in range(50):
            await layer.group_add(f"group{name}", f"channel{name}")
            await layer.group_send("room", {**NAMED, "text": str(number)})
            await layer.group_send(f"group{name}", {"type": "x", "number": number})
            await layer.group_discard(f"group{name}", f"channel{name}")

    threads = [
        threading.Thread(target=lambda name=name: asyncio.run(work(name))) for name in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    send(server, layer, {"type": "room.message", "text": "last"})
    for client in clients:
        texts = []
        while (text := client.read_text()) != '{"text": "last"}':
            texts.append(text)
        assert len(texts) + layer.local.dropped >= 50
