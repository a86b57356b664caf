"""`await receive()` in every way that asyncio code awaits things: nothing lost, nothing twice."""

import asyncio
import inspect
from collections.abc import Coroutine
from typing import Any

import pytest
from support.apps import (
    Application,
    Gate,
    Journal,
    Message,
    Receive,
    Scope,
    Send,
    read_body,
    respond,
)
from support.raw import request
from support.server import Serve
from support.ways import WAYS, Way
from support.ws import encode_frame

COUNT = 50


def replying(way: Way) -> Application:
    """Return a WebSocket application that receives in this way and sends back."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await way(receive))["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})

    return application


@pytest.mark.parametrize("way", WAYS)
def test_each_message_on_its_own(serve: Serve, way: Way) -> None:
    with serve(replying(way)).websocket() as client:
        for number in range(10):
            client.send_text(str(number))
            assert client.read_text() == str(number)
            assert client.is_silent(0.005)
        client.finish()


@pytest.mark.parametrize("way", WAYS)
def test_all_messages_at_once(serve: Serve, way: Way) -> None:
    with serve(replying(way)).websocket() as client:
        client.send(b"".join(encode_frame(1, b"%d" % number) for number in range(COUNT)))
        assert [client.read_text() for _ in range(COUNT)] == [
            str(number) for number in range(COUNT)
        ]
        client.finish()


@pytest.mark.parametrize("way", WAYS)
def test_messages_drop_by_drop(serve: Serve, way: Way) -> None:
    """Bytes come while receives are being cancelled, at any moment of that."""
    with serve(replying(way)).websocket() as client:
        client.dribble(b"".join(encode_frame(1, b"%d" % number) for number in range(COUNT)), 3)
        assert [client.read_text() for _ in range(COUNT)] == [
            str(number) for number in range(COUNT)
        ]


@pytest.mark.parametrize("way", WAYS)
def test_body_of_a_request(serve: Serve, way: Way) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        async def this_way() -> Message:
            return await way(receive)

        body = await read_body(this_way)
        await respond(send, body)

    body = bytes(range(256)) * 300
    with serve(application, request_buffer_size=5000).connect() as client:
        client.send(request(method="POST", body=body))
        assert client.read_response().body == body
        client.send(request(method="POST", headers=["Content-Length: 30"]))
        client.dribble(b"x" * 30, 5)
        assert client.read_response().body == b"x" * 30


def test_two_receives_at_once(serve: Serve) -> None:
    """Each message goes to one of them, the older one first."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        first = asyncio.ensure_future(receive())
        second = asyncio.ensure_future(receive())
        texts = [(await task)["text"] for task in (first, second)]
        await send({"type": "websocket.send", "text": " ".join(texts)})
        await receive()

    server = serve(application)
    with server.websocket() as client:
        client.send_text("1")
        client.send_text("2")
        assert client.read_text() == "1 2"
        client.finish()
    with server.websocket() as client:
        client.send(encode_frame(1, b"1") + encode_frame(1, b"2"))
        assert client.read_text() == "1 2"
        client.finish()


def test_first_of_two_receives_is_cancelled(serve: Serve) -> None:
    gate = Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        first = asyncio.ensure_future(receive())
        second = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        first.cancel()
        await send({"type": "websocket.send", "text": "ready"})
        await gate.wait()
        await send({"type": "websocket.send", "text": (await second)["text"]})
        await receive()

    with serve(application).websocket() as client:
        assert client.read_text() == "ready"
        client.send_text("for the second")
        gate.open()
        assert client.read_text() == "for the second"
        client.finish()


def test_task_cancelled_in_the_turn_in_which_its_message_came(serve: Serve) -> None:
    """Woken and cancelled before it resumed: the message stays for the next one."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for _ in range(20):
            task = asyncio.ensure_future(receive())
            await send({"type": "websocket.send", "text": "go"})
            while not _is_woken(task):
                await asyncio.sleep(0)
            task.cancel()
            try:
                message = await task
            except asyncio.CancelledError:
                message = await receive()
            await send({"type": "websocket.send", "text": message["text"]})
        await receive()

    with serve(application).websocket() as client:
        for number in range(20):
            assert client.read_text() == "go"
            client.send_text(str(number))
            assert client.read_text() == str(number)
        client.finish()


def _is_woken(task: "asyncio.Future[Message]") -> bool:
    """Tell whether what the task waits for has come, so that its next step is on its way."""
    waiting_for = getattr(task, "_fut_waiter", None)
    return task.done() or (waiting_for is not None and waiting_for.done()) or _no_waiter(task)


def _no_waiter(task: "asyncio.Future[Message]") -> bool:
    """Tell the same for a task that has begun and waits for nothing any more."""
    coroutine = getattr(task, "get_coro", lambda: None)()
    begun = inspect.iscoroutine(coroutine) and coroutine.cr_frame is not None
    return begun and getattr(task, "_fut_waiter", None) is None


def test_receive_that_nobody_awaits_takes_nothing(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for _ in range(5):
            receive().close()
        await send({"type": "websocket.send", "text": (await receive())["text"]})
        await receive()

    with serve(application).websocket() as client:
        client.send_text("still there")
        assert client.read_text() == "still there"
        client.finish()


def test_receive_is_a_coroutine(serve: Serve) -> None:
    """create_task and run_coroutine_threadsafe take nothing less."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        coroutine = receive()
        checks = [
            asyncio.iscoroutine(coroutine),
            inspect.isawaitable(coroutine),
            isinstance(coroutine, Coroutine),
        ]
        coroutine.close()
        throwing = receive()
        with pytest.raises(KeyError, match="thrown"):
            throwing.throw(KeyError("thrown"))
        await respond(send, repr(checks).encode())

    assert serve(application).get().body == b"[True, True, True]"


def test_a_receive_that_is_dropped_while_an_exception_passes(serve: Serve) -> None:
    """Who was woken and goes away wakes the next, and does not touch the exception."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        by_hand: list[Any] = [receive()]
        waiter = by_hand[0].send(None)
        other = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        journal.add("waiting")
        while not waiter.done():
            await asyncio.sleep(0)
        try:
            _ = [by_hand.pop()][1]  # the list, and with it the awaitable, goes now
        except IndexError:
            await respond(send, (await other)["body"])

    server = serve(application)
    with server.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\n")
        assert journal.next() == "waiting"
        client.send(b"hi")
        assert client.read_response().body == b"hi"
