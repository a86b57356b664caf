"""Tasks and context variables: each application runs in its own task and its own fresh context."""

import asyncio
import contextvars
from typing import Any

from support.apps import Journal, Receive, Scope, Send, respond
from support.raw import request
from support.server import Serve

NAME: contextvars.ContextVar[str] = contextvars.ContextVar("NAME", default="unset")


def test_fresh_context_for_pipelined_requests(serve: Serve) -> None:
    """daphne and uvicorn let a variable of one request be seen by the next."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        before = NAME.get()
        NAME.set(scope["path"])
        await asyncio.sleep(0)
        await respond(send, f"{before} {NAME.get()}".encode())
        NAME.set("after the response")

    with serve(application).connect() as client:
        client.send(request("/1") + request("/2") + request("/3"))
        for number in (1, 2, 3):
            assert client.read_response().body == b"unset /%d" % number


def test_fresh_context_for_later_requests(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        before = NAME.get()
        NAME.set("leaked")
        await respond(send, before.encode())

    server = serve(application)
    with server.connect() as client:
        for _ in range(3):
            client.send(request())
            assert client.read_response().body == b"unset"
    assert server.get().body == b"unset"


def test_fresh_context_when_the_body_comes_later(serve: Serve) -> None:
    """The callback that wakes receive() may be called in any context; the task keeps its own."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        NAME.set(scope["path"])
        seen = []
        more = True
        while more:
            message = await receive()
            more = message.get("more_body", False)
            seen.append(NAME.get())
        await respond(send, " ".join(dict.fromkeys(seen)).encode())

    server = serve(application)
    one, two = server.connect(), server.connect()
    for client, path in ((one, "/one"), (two, "/two")):
        client.send(request(path, method="POST", headers=["Content-Length: 3"]))
    for byte in (b"a", b"b", b"c"):
        one.send(byte)
        two.send(byte)
    assert one.read_response().body == b"/one"
    assert two.read_response().body == b"/two"


def test_fresh_context_for_websockets(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        before = NAME.get()
        NAME.set(scope["path"])
        await send({"type": "websocket.accept"})
        while (await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": f"{before} {NAME.get()}"})

    server = serve(application)
    clients = [server.websocket(f"/{number}") for number in range(3)]
    for _ in range(2):
        for number, client in enumerate(clients):
            client.send_text("which?")
            assert client.read_text() == f"unset /{number}"


def test_current_task_is_an_asyncio_task(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        journal.add((task, task in asyncio.all_tasks(), asyncio.get_running_loop()))
        await respond(send)

    server = serve(application)
    server.get()
    server.get()
    first, second = journal.next(), journal.next()
    assert isinstance(first[0], asyncio.Task)
    assert first[1]
    assert first[0] is not second[0]
    assert first[2] is server.loop


def test_task_factory_is_honoured(serve: Serve) -> None:
    """Tracing tools and eager tasks come in through it."""
    made = Journal()

    class TracedTask(asyncio.Task[Any]):
        """A task that can be told from others."""

    def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> Any:
        made.add(coroutine)
        return TracedTask(coroutine, loop=loop, **options)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, type(asyncio.current_task()).__name__.encode())

    server = serve(application)
    server.call(lambda: server.loop.set_task_factory(factory))
    assert server.get().body == b"TracedTask"
    server.call(lambda: server.loop.set_task_factory(None))
    assert server.get().body == b"Task"
    assert made.rest() != []


def test_timeouts_and_task_groups_work(serve: Serve) -> None:
    """They cancel and uncancel the current task, which therefore must be a proper one."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(0.05):
                await asyncio.sleep(3600)
        except TimeoutError:
            pass
        results: list[int] = []

        async def work(number: int) -> None:
            await asyncio.sleep(0)
            results.append(number)

        async with asyncio.TaskGroup() as group:
            for number in range(3):
                group.create_task(work(number))
        task = asyncio.current_task()
        assert task is not None and task.cancelling() == 0
        await respond(send, str(sorted(results)).encode())

    assert serve(application).get().body == b"[0, 1, 2]"


def test_child_tasks_outlive_the_request(serve: Serve) -> None:
    journal = Journal()
    children = set()

    async def background() -> None:
        await asyncio.sleep(0.1)
        journal.add(NAME.get())

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        NAME.set("inherited")
        children.add(asyncio.create_task(background()))
        await respond(send)

    assert serve(application).get().status == 200
    assert journal.next() == "inherited"
