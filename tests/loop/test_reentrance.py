"""Applications that run the loop from within themselves, as nest_asyncio and notebooks have it."""

import asyncio
import selectors
import threading
from asyncio import tasks
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
from support import engines
from support.apps import Receive, Scope, Send, read_body, respond
from support.raw import request
from support.server import Serve


@pytest.fixture(params=["casgi", "asyncio"], autouse=True)
def loop_of_the_server(request: pytest.FixtureRequest) -> Iterator[None]:
    """Serve on a loop of ours, and riding on a foreign one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "LOOP", request.param)
        yield


def run_within(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Do what such libraries do: turn the running loop until the coroutine has ended."""
    loop: Any = asyncio.get_running_loop()
    outer: Any = asyncio.current_task()
    inner = loop.create_task(coroutine)
    if outer is not None:
        tasks._leave_task(loop, outer)
    try:
        while not inner.done():
            loop._run_once()
    finally:
        if outer is not None:
            tasks._enter_task(loop, outer)
    return inner.result()


async def short_work() -> str:
    """Wait for a timer and a thread."""
    await asyncio.sleep(0.01)
    return await asyncio.to_thread(lambda: "done")


def test_requests(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        await respond(send, run_within(short_work()).encode())

    server = serve(application)
    with server.connect() as client:
        for _ in range(3):
            client.send(request())
            assert client.read_response().body == b"done"
    take_warning(server.reports)


def test_others_are_served_meanwhile(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the second time on: the application is not run by a turn then."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        if scope["path"] == "/wait":
            run_within(waiting())
        elif scope["path"] == "/go":
            may_go.set()
        else:
            if engines.LOOP == "asyncio":  # as apply() does; our own loop notices by itself
                monkeypatch.setattr(asyncio.SelectorEventLoop, "_nest_patched", True, raising=False)
            run_within(short_work())
        await respond(send, scope["path"].encode())

    async def waiting() -> None:
        await may_go.wait()

    may_go = asyncio.Event()
    server = serve(application)
    assert server.get("/first").body == b"/first"
    take_warning(server.reports)
    with server.connect() as waiter:
        waiter.send(request("/wait"))
        assert server.get("/go").body == b"/go"
        assert waiter.read_response().body == b"/wait"


def test_loop_that_is_marked_as_reentrant(serve: Serve) -> None:
    """nest_asyncio.apply() before the server starts: nothing is lost, not even the first time."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await respond(send, run_within(short_work()).encode())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio.SelectorEventLoop, "_nest_patched", True, raising=False)
        server = serve(application)
        assert server.get().body == b"done"


def test_thread_that_ends_while_the_nested_run_waits(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but the thread wakes it."""
    select = selectors.DefaultSelector.select
    waits = threading.Event()

    def noted(self: Any, timeout: float | None = None) -> Any:
        if timeout is None or timeout > 0:
            waits.set()
        return select(self, timeout)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        waits.clear()
        ended = run_within(asyncio.to_thread(waits.wait, 20))
        await respond(send, b"woken" if ended else b"it never waited")

    monkeypatch.setattr(selectors.DefaultSelector, "select", noted)
    server = serve(application)
    assert server.get().body == b"woken"
    take_warning(server.reports)


def take_warning(reports: Any) -> None:
    """The selector says so once; a foreign loop has its own rules."""
    if engines.LOOP == "casgi":
        reports.expect("run from within itself")
