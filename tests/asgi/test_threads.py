"""Threads: what Django does with sync views and consumers, on the loop of the server."""

import asyncio
import contextvars
import threading
import time

from asgiref.sync import async_to_sync, sync_to_async
from support.apps import Receive, Scope, Send, echo_websocket, read_body, respond
from support.raw import request
from support.server import Serve

NAME: contextvars.ContextVar[str] = contextvars.ContextVar("NAME", default="unset")


def test_run_in_executor(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        name = await asyncio.get_running_loop().run_in_executor(None, threading.get_ident)
        await respond(send, str(name != threading.get_ident()).encode())

    server = serve(application)
    for _ in range(20):
        assert server.get().body == b"True"


def test_to_thread_keeps_the_context(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        NAME.set(scope["path"])
        await respond(send, (await asyncio.to_thread(NAME.get)).encode())

    assert serve(application).get("/context").body == b"/context"


def test_sync_to_async(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        NAME.set("outer")

        def view() -> str:
            before = NAME.get()
            NAME.set("inner")
            return before

        before = await sync_to_async(view)()
        await respond(send, f"{before} {NAME.get()}".encode())

    server = serve(application)
    for _ in range(5):
        assert server.get().body == b"outer inner"


def test_async_to_sync_back_to_the_loop(serve: Serve) -> None:
    """A sync consumer sends so: from its thread, through the loop it came from."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        def consumer() -> None:
            message = async_to_sync(receive)()
            assert message["type"] == "http.request"
            async_to_sync(send)({"type": "http.response.start", "status": 200})
            async_to_sync(send)({"type": "http.response.body", "body": message["body"]})

        await sync_to_async(consumer)()

    server = serve(application)
    for _ in range(5):
        assert server.exchange(request(method="POST", body=b"sync")).body == b"sync"


def test_run_coroutine_threadsafe(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()

        def work() -> None:
            for message in (
                {"type": "http.response.start", "status": 200},
                {"type": "http.response.body", "body": b"from a thread"},
            ):
                asyncio.run_coroutine_threadsafe(send(message), loop).result(5)

        await asyncio.to_thread(work)

    assert serve(application).get().body == b"from a thread"


def test_call_soon_threadsafe_wakes_an_idle_loop(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        later = threading.Timer(
            0.05, lambda: loop.call_soon_threadsafe(future.set_result, b"woken")
        )
        later.start()
        await respond(send, await future)
        later.join()

    assert serve(application).get().body == b"woken"


def test_others_are_served_while_a_thread_blocks(serve: Serve) -> None:
    release = threading.Event()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/block":
            await asyncio.to_thread(release.wait, 10)
        await respond(send, scope["path"].encode())

    server = serve(application)
    blocked = server.connect()
    blocked.send(request("/block"))
    for _ in range(5):
        assert server.get("/quick").body == b"/quick"
    release.set()
    assert blocked.read_response().body == b"/block"


def test_connections_arrive_while_the_interpreter_is_busy(serve: Serve) -> None:
    """Another thread that holds the interpreter most of the time breaks nothing."""
    stop = threading.Event()

    def burn() -> None:
        while not stop.is_set():
            sum(range(1000))

    busy = threading.Thread(target=burn)
    busy.start()
    try:
        server = serve(echo_websocket)
        clients = [server.websocket() for _ in range(5)]
        for client in clients:
            client.send_text("hello")
        assert [client.read_text() for client in clients] == ["hello"] * 5
    finally:
        stop.set()
        busy.join()


def test_application_that_blocks_the_loop_for_a_moment(serve: Serve) -> None:
    """Bad manners, but common: what came meanwhile is then served in order."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        time.sleep(0.1)  # noqa: ASYNC251  that is the point
        await respond(send, await read_body(receive))

    server = serve(application)
    clients = [server.connect() for _ in range(4)]
    for number, client in enumerate(clients):
        client.send(request(method="POST", body=b"%d" % number))
    assert [client.read_response().body for client in clients] == [b"0", b"1", b"2", b"3"]
