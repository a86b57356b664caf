"""`await send()` in every way that asyncio code awaits things."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

import anyio
import pytest
from support.apps import Journal, Message, Receive, Scope, Send
from support.engines import ClientDisconnected
from support.raw import request
from support.server import Serve

Way = Callable[[Send, Message], Awaitable[None]]


async def plainly(send: Send, message: Message) -> None:
    """Just await it."""
    await send(message)


async def in_a_task(send: Send, message: Message) -> None:
    """Make a task of it."""
    await asyncio.create_task(send(message))


async def ensured(send: Send, message: Message) -> None:
    """Let asyncio find out what it is."""
    await asyncio.ensure_future(send(message))


async def with_a_timeout(send: Send, message: Message) -> None:
    """Wait not longer than this."""
    await asyncio.wait_for(send(message), 5)


async def shielded(send: Send, message: Message) -> None:
    """Do not let it be cancelled."""
    await asyncio.shield(send(message))


async def waited_for(send: Send, message: Message) -> None:
    """Wait for a set of tasks."""
    done, _ = await asyncio.wait([asyncio.ensure_future(send(message))])
    done.pop().result()


async def in_an_anyio_group(send: Send, message: Message) -> None:
    """Send in a child of a task group."""
    async with anyio.create_task_group() as group:
        group.start_soon(send, message)


async def gathered(send: Send, message: Message) -> None:
    """Await it together with something else."""
    await asyncio.gather(send(message), asyncio.sleep(0))


WAYS = [
    plainly,
    in_a_task,
    ensured,
    with_a_timeout,
    shielded,
    waited_for,
    in_an_anyio_group,
    gathered,
]


@pytest.mark.parametrize("way", WAYS)
def test_response(serve: Serve, way: Way) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await way(send, {"type": "http.response.start", "status": 200})
        for part in (b"one ", b"two "):
            await way(send, {"type": "http.response.body", "body": part, "more_body": True})
        await way(send, {"type": "http.response.body", "body": b"three"})

    with serve(application).connect() as client:
        for _ in range(2):
            client.send(request())
            assert client.read_response().body == b"one two three"


@pytest.mark.parametrize("way", WAYS)
def test_response_with_back_pressure(serve: Serve, way: Way) -> None:
    block = bytes(100_000)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await way(send, {"type": "http.response.start", "status": 200})
        for _ in range(30):
            await way(send, {"type": "http.response.body", "body": block, "more_body": True})
        await way(send, {"type": "http.response.body"})

    with serve(application).connect(receive_buffer=16384) as client:
        client.send(request())
        assert client.read_response().body == block * 30


@pytest.mark.parametrize("way", WAYS)
def test_errors_come_out_of_the_await(serve: Serve, way: Way) -> None:
    """Not out of the call alone: frameworks write the await within their try."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await way(send, {"type": "http.response.body", "body": b"no start yet"})
        except Exception as error:
            journal.add(unwrapped(error))
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"ok"})

    assert serve(application).get().body == b"ok"
    assert not isinstance(journal.next(), OSError)


def unwrapped(error: Exception) -> Exception:
    """Return what a task group put into its exception group."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


@pytest.mark.parametrize("way", WAYS)
def test_disconnect_comes_out_of_the_await(serve: Serve, way: Way) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await way(send, {"type": "websocket.accept"})
        await receive()
        try:
            await way(send, {"type": "websocket.send", "text": "too late"})
        except Exception as error:
            journal.add(unwrapped(error))

    server = serve(application)
    server.websocket().close()
    assert isinstance(journal.next(), ClientDisconnected)
    server.wait_idle()


@pytest.mark.parametrize("way", WAYS)
def test_response_that_nobody_receives(serve: Serve, way: Way) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        journal.add("ready")
        await receive()
        await way(send, {"type": "http.response.start", "status": 200})
        await way(send, {"type": "http.response.body", "body": b"late"})
        journal.add("silent")

    server = serve(application)
    client = server.connect()
    client.send(request())
    assert journal.next() == "ready"
    client.close()
    assert journal.next() == "silent"
    server.wait_idle()


def test_send_is_a_coroutine(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        first = send({"type": "http.response.start", "status": 200})
        assert isinstance(first, Coroutine)
        assert asyncio.iscoroutine(first)
        with pytest.raises(StopIteration):
            first.send(None)
        await send({"type": "http.response.body", "body": b"stepped"})

    assert serve(application).get().body == b"stepped"


def test_sends_of_several_tasks(serve: Serve) -> None:
    """Each message goes out whole, whoever sends at the same time."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})

        async def talk(name: str) -> None:
            for number in range(50):
                await send({"type": "websocket.send", "text": f"{name}{number}"})
                await asyncio.sleep(0)

        await asyncio.gather(*(talk(name) for name in "abc"))
        await send({"type": "websocket.close"})

    with serve(application).websocket() as client:
        texts = [client.read_text() for _ in range(150)]
        assert client.read_close()[0] == 1000
    for name in "abc":
        assert [text for text in texts if text[0] == name] == [f"{name}{n}" for n in range(50)]


def test_message_may_be_changed_after_the_send(serve: Serve) -> None:
    """Applications use one dict again and again."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        message = {"type": "websocket.send", "text": ""}
        for number in range(5):
            message["text"] = str(number)
            await send(message)
        await receive()

    with serve(application).websocket() as client:
        assert [client.read_text() for _ in range(5)] == ["0", "1", "2", "3", "4"]
        client.finish()
