"""What receive() and send() return, used as nobody should: a clear error, and nothing else."""

import asyncio
import gc
from typing import Any

import pytest
from support.apps import Journal, Receive, Scope, Send, respond
from support.raw import request
from support.server import LiveServer, Serve

UPLOAD = request(method="POST", headers=["Content-Length: 4"])


def started(serve: Serve, application: object) -> LiveServer:
    """Return a server with a request of which the body is yet to come."""
    server = serve(application)
    server.connect().send(UPLOAD)
    return server


def test_awaited_by_two_tasks(serve: Serve) -> None:
    """As a coroutine: the second is told, and the first goes on waiting."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        awaitable = receive()

        async def wait() -> object:
            return await awaitable

        first, second = asyncio.create_task(wait()), asyncio.create_task(wait())
        await asyncio.wait([second])
        journal.add(second.exception())
        assert (await first)["body"] == b"body"  # type: ignore[index]
        await respond(send)

    client = serve(application).connect()
    client.send(UPLOAD)
    assert "awaited already" in str(journal.next())
    client.send(b"body")
    assert client.read_response().status == 200


def test_awaited_twice(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        awaitable = receive()
        await awaitable
        with pytest.raises(RuntimeError, match="finished already"):
            await awaitable
        await respond(send)

    assert serve(application).get().status == 200


@pytest.mark.parametrize("end", ["close", "throw", "drop"])
def test_ended_while_it_waits(serve: Serve, end: str) -> None:
    """The next receive() gets what the ended one would have got."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        awaitable = receive()
        assert type(awaitable.send(None)).__name__ == "Waiter"
        if end == "close":
            awaitable.close()
        elif end == "throw":
            with pytest.raises(ZeroDivisionError):
                awaitable.throw(ZeroDivisionError)
        del awaitable
        gc.collect()
        journal.add("ended")
        assert (await receive())["body"] == b"body"
        await respond(send)

    journal = Journal()
    client = serve(application).connect()
    client.send(UPLOAD)
    journal.next()
    client.send(b"body")
    assert client.read_response().status == 200


@pytest.mark.parametrize("name", ["receive", "send"])
def test_thrown_into_with_nonsense(serve: Serve, name: str) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        def made() -> object:
            return receive() if name == "receive" else send({"type": "nonsense"})

        for arguments in [(), (1,), (ValueError, None, 5), (ValueError, 1, 2, 3), (int,)]:
            with pytest.raises(TypeError):
                made().throw(*arguments)  # type: ignore[attr-defined]
        with pytest.raises(ValueError, match="a"):
            made().throw(ValueError, "a", None)  # type: ignore[attr-defined]
        await respond(send)

    assert serve(application).get().status == 200


def test_awaited_on_another_loop(serve: Serve) -> None:
    events: list[Any] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()

        async def wait() -> None:
            events.append(await receive())

        await asyncio.to_thread(asyncio.run, wait())

    server = serve(application)
    with server.connect() as client:
        client.send(request())
    server.wait_idle()
    assert events == [{"type": "http.disconnect"}]


def test_kept_after_the_end(serve: Serve) -> None:
    kept = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        kept.extend([receive, send, receive()])
        await respond(send)

    server = serve(application)
    assert server.get().status == 200
    server.wait_idle()

    async def use() -> None:
        receive, send, awaitable = kept
        assert (await awaitable)["type"] == "http.disconnect"
        assert (await receive())["type"] == "http.disconnect"
        with pytest.raises(RuntimeError):
            await send({"type": "http.response.body"})

    asyncio.run_coroutine_threadsafe(use(), server.loop).result(10)
    server.stop()
    receive, send, awaitable = kept
    with pytest.raises(StopIteration):
        receive().send(None)
    with pytest.raises(RuntimeError):
        send({"type": "http.response.body"}).send(None)
    kept.clear()
    del receive, send, awaitable


def test_receivers_outlive_the_application(serve: Serve) -> None:
    """A child task that still receives is told of the end."""
    journal = Journal()
    children = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        async def child() -> None:
            try:
                journal.add((await receive())["type"])
            except RuntimeError as error:
                journal.add(str(error))

        await receive()
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
        children.append(asyncio.create_task(child()))
        await asyncio.sleep(0.01)
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        else:
            await respond(send)

    server = serve(application)
    assert server.get().status == 200
    assert "disconnect" in journal.next()
    server.websocket().finish_close()
    assert "disconnect" in journal.next()


def test_receivers_outlive_an_application_that_does_not_close(serve: Serve) -> None:
    journal = Journal()
    children = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        async def child() -> None:
            try:
                journal.add((await receive())["type"])
            except RuntimeError as error:
                journal.add(str(error))

        await receive()
        await send({"type": "websocket.accept"})
        children.append(asyncio.create_task(child()))
        await asyncio.sleep(0.01)

    server = serve(application)
    server.websocket().finish_close()
    server.reports.expect("without closing")
    assert "disconnect" in journal.next()
