"""Sync consumers send in their threads, without the event loop: only the clock could tell."""

from __future__ import annotations

import asyncio
import threading
import traceback
from contextvars import ContextVar
from typing import Any

import pytest
from asgiref.sync import AsyncToSync, SyncToAsync
from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import WebsocketConsumer
from channels.sessions import InstanceSessionWrapper
from support.apps import Application, Journal
from support.server import LiveServer, Serve
from support.ws import WebSocketClient

from casgi.channels.direct_send import DirectSend

from .conftest import Accelerated
from .test_late_messages import behind_a_wrapper


class HoldsLoop(WebsocketConsumer):
    """Holds up the event loop, sends, lets it go, and notes whether it was held up all the time."""

    journal: Journal
    seconds = 5.0
    """So long at most: somebody may wait for the loop."""

    def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        loop: asyncio.AbstractEventLoop = SyncToAsync.threadlocal.main_event_loop
        begun, released, ended = threading.Event(), threading.Event(), threading.Event()

        def hold() -> None:
            begun.set()
            released.wait(self.seconds)
            ended.set()

        loop.call_soon_threadsafe(hold)
        begun.wait()
        self.send_twice()
        is_held = not ended.is_set()
        released.set()
        self.journal.add(is_held)

    def send_twice(self) -> None:
        self.send("first")
        self.send(bytes_data=b"second")


class HoldsLoopByThread(HoldsLoop):
    """The same, but it sends from a thread of its own."""

    def send_twice(self) -> None:
        thread = threading.Thread(target=super().send_twice)
        thread.start()
        thread.join()


class HasOwnBaseSend(HoldsLoop):
    """The same, and its class answers for `base_send`."""

    @property
    def base_send(self) -> Any:
        return self.__dict__["base_send"]

    @base_send.setter
    def base_send(self, send: Any) -> None:
        self.__dict__["base_send"] = send


def sends_without_loop(client: WebSocketClient, journal: Journal) -> bool:
    """Have a HoldsLoop send; return whether it did so while the loop was held up."""
    client.send_text("send")
    assert client.read_text() == "first"
    assert client.read_binary() == b"second"
    is_direct: bool = journal.next()
    client.finish()
    return is_direct


def noting(consumer: Any, journal: Journal, **attributes: Any) -> Application:
    made: Any = type(consumer.__name__, (consumer,), {"journal": journal, **attributes})
    return made.as_asgi()


@pytest.mark.parametrize("stack", [lambda one: one, AuthMiddlewareStack], ids=["bare", "sessions"])
def test_needs_no_loop(accelerated: Accelerated, stack: Any) -> None:
    journal = Journal()
    server = accelerated(stack(noting(HoldsLoop, journal)))
    assert sends_without_loop(server.websocket(), journal)


def test_needs_no_loop_without_a_layer(
    accelerated: Accelerated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.consumer.get_channel_layer", lambda alias: None)
    journal = Journal()
    server = accelerated(noting(HoldsLoop, journal))
    assert sends_without_loop(server.websocket(), journal)


def test_class_with_a_base_send_of_its_own(accelerated: Accelerated) -> None:
    journal = Journal()
    server = accelerated(noting(HasOwnBaseSend, journal, seconds=0.1))
    assert not sends_without_loop(server.websocket(), journal)


def test_middleware_that_wraps_send(accelerated: Accelerated) -> None:
    journal = Journal()
    server = accelerated(behind_a_wrapper(noting(HoldsLoop, journal, seconds=0.1)))
    assert not sends_without_loop(server.websocket(), journal)


def test_thread_of_its_own(accelerated: Accelerated) -> None:
    """It has no loop that waits for it: asgiref makes one, and the server takes the message."""
    journal = Journal()
    server = accelerated(noting(HoldsLoopByThread, journal))
    sends_without_loop(server.websocket(), journal)


def test_what_is_replaced_while_it_serves(
    accelerated: Accelerated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tools that trace what a program does come late, too."""
    seen: list[Any] = []
    original = AsyncToSync.__call__

    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
        seen.append(args)
        return original(self, *args, **kwargs)

    class Echo(WebsocketConsumer):
        def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
            self.send(text_data)

    client = accelerated(Echo.as_asgi()).websocket()
    client.send_text("before")
    assert client.read_text() == "before"
    assert not seen
    monkeypatch.setattr(AsyncToSync, "__call__", __call__)
    client.send_text("after")
    assert client.read_text() == "after"
    assert seen == [({"type": "websocket.send", "text": "after"},)]


def test_what_is_awaited_is_replaced_while_it_serves(accelerated: Accelerated) -> None:
    """A handler may put something between its consumer and the server, at any time."""
    seen: list[Any] = []

    class Echo(WebsocketConsumer):
        def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
            behind = self.base_send.awaitable

            async def spy(message: Any) -> None:
                seen.append(message)
                await behind(message)

            self.base_send.awaitable = spy
            self.send(text_data)

    client = accelerated(Echo.as_asgi()).websocket()
    for number in range(1, 3):
        client.send_text("through")
        assert client.read_text() == "through"
        assert len(seen) == number * (number + 1) // 2


def test_sessions_that_change_while_it_serves(
    accelerated: Accelerated, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal()
    server = accelerated(AuthMiddlewareStack(noting(HoldsLoop, journal, seconds=0.1)))
    client = server.websocket()
    monkeypatch.setattr(InstanceSessionWrapper, "save_message_types", ["websocket.close"])
    assert not sends_without_loop(client, journal)


# What differs must not: the same consumer, with Channels as it is and with ours.

VARIABLE: ContextVar[str] = ContextVar("variable", default="unset")


class Describes(WebsocketConsumer):
    """Sends what cannot be sent, and notes what became of that."""

    journal: Journal

    def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        VARIABLE.set("set")
        wrong: tuple[Any, ...] = (
            {"type": "websocket.send"},
            {"type": "websocket.send", "text": 1},
            {"type": "websocket.accept"},
            {"type": "no.such"},
            {},
            None,
        )
        for message in wrong:
            try:
                raise KeyError("what is handled")
            except KeyError:
                self.try_to_send(message)
        self.journal.add(self.base_send({"type": "websocket.send", "text": "last"}))
        self.journal.add((VARIABLE.get(), getattr(AsyncToSync.executors, "current", None)))

    def try_to_send(self, *messages: Any) -> None:
        try:
            self.base_send(*messages)
        except Exception as error:
            names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
            context = repr(error.__context__)
            self.journal.add((type(error), str(error), context, names[0]))
        else:
            self.journal.add("sent")


def journal_of(server: LiveServer, journal: Journal) -> list[Any]:
    client = server.websocket()
    client.send_text("begin")
    assert client.read_text() == "last"
    client.finish()
    return [journal.next() for _ in range(8)]


def test_errors_are_channels(accelerated: Accelerated, serve: Serve) -> None:
    found = []
    for start in (serve, accelerated):
        journal = Journal()
        found.append(journal_of(start(noting(Describes, journal)), journal))
    stock, ours = found
    assert ours == stock
    assert stock[-1] == ("set", None)


def test_waits_while_the_client_does_not_read(accelerated: Accelerated) -> None:
    """Back-pressure reaches the handler, and what it has sent comes whole and in order."""
    size, count, most_unread = 100_000, 200, 60
    sent: list[bool] = []

    class Flood(WebsocketConsumer):
        def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
            for number in range(count):
                self.send(f"{number} ".ljust(size, "."))
                sent.append(type(self.base_send) is DirectSend)

    server = accelerated(Flood.as_asgi())
    server.limit_send_buffer(4096)
    client = server.websocket_connect(receive_buffer=4096)
    client.handshake()
    client.send_text("flood")
    for number in range(count):
        assert client.read_text() == f"{number} ".ljust(size, ".")
        assert len(sent) <= number + most_unread
    client.finish()
    assert all(sent)
