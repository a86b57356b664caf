"""Server.close() is called by a task, and turns the loop until every connection is gone."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest
from support.apps import DEADLINE, Message, Receive, Scope, Send
from support.raw import request
from support.ws import upgrade

from casgi import _core

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "selector": lambda: asyncio.SelectorEventLoop(_core.Selector()),
    "rider": asyncio.SelectorEventLoop,
}


REQUESTS = {"http": request(), "websocket": upgrade()}
FIRST_ANSWERS: dict[str, list[Message]] = {
    "http": [
        {"type": "http.response.start", "status": 200},
        {"type": "http.response.body", "body": b"x", "more_body": True},
    ],
    "websocket": [{"type": "websocket.accept"}],
}


async def close_while_another_task_receives(kind: str) -> tuple[list[Message], list[Any]]:
    """Return what that task received, and what was reported to the loop."""
    received: list[Message] = []
    reported: list[Any] = []
    ended = asyncio.Event()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        for message in FIRST_ANSWERS[kind]:
            await send(message)
        # As Channels: a task of its own, which is not cancelled with the application.
        receiving = asyncio.ensure_future(receive())
        try:
            await asyncio.wait([receiving])
        finally:
            received.append(await receiving)
            ended.set()

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, details: reported.append(details))
    server = _core.Server(application, loop)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        server.listen(listener.fileno())
    reader, writer = await asyncio.open_connection(*address)
    writer.write(REQUESTS[kind])
    await reader.readuntil(b"\r\n\r\n")
    server.close()
    try:
        async with asyncio.timeout(DEADLINE):
            await ended.wait()
            while server.tasks:
                await asyncio.sleep(0)
    finally:
        writer.close()
    return received, reported


@pytest.mark.parametrize("kind", REQUESTS)
@pytest.mark.parametrize("loop", LOOPS)
def test_other_tasks_are_not_stepped_from_within_it(loop: str, kind: str) -> None:
    # Not by asyncio.Runner, which waits for every task: one that failed here would never end.
    running = LOOPS[loop]()
    try:
        received, reported = running.run_until_complete(close_while_another_task_receives(kind))
    finally:
        running.close()
    assert [message["type"] for message in received] == [f"{kind}.disconnect"]
    assert reported == []
