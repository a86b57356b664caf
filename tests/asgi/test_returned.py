"""What an application may return: anything that can be awaited."""

import asyncio
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

import pytest
from support.apps import Receive, Scope, Send, respond
from support.server import Serve


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request, and accept a WebSocket to say the same to it."""
    if scope["type"] == "http":
        await asyncio.sleep(0)
        await respond(send, b"hello")
        return
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": "hello"})
    await receive()


class Endpoint:
    """A class whose objects are awaited, as some frameworks' endpoints are."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._answer = answer(scope, receive, send)

    def __await__(self) -> Generator[Any, None, None]:
        return self._answer.__await__()


class Compiled(Coroutine[Any, Any, None]):
    """A coroutine of another type than Python's, as compilers make them."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._answer = answer(scope, receive, send)

    def __await__(self) -> Generator[Any, None, None]:
        return self._answer.__await__()

    def send(self, value: Any) -> Any:
        return self._answer.send(value)

    def throw(self, *error: Any) -> Any:
        return self._answer.throw(*error)

    def close(self) -> None:
        self._answer.close()


def make_task(scope: Scope, receive: Receive, send: Send) -> "asyncio.Task[None]":
    return asyncio.create_task(answer(scope, receive, send))


@types.coroutine
def generate(scope: Scope, receive: Receive, send: Send) -> Generator[Any, None, None]:
    yield from answer(scope, receive, send).__await__()


@pytest.mark.parametrize("application", [Endpoint, Compiled, make_task, generate])
def test_whatever_can_be_awaited(
    serve: Serve, application: Callable[[Scope, Receive, Send], Awaitable[None]]
) -> None:
    server = serve(application)
    assert server.get("/").body == b"hello"
    client = server.websocket("/")
    assert client.read_text() == "hello"
    client.finish()
    server.wait_idle()


@pytest.mark.parametrize(("returned", "name"), [(None, "NoneType"), (b"hello", "bytes")])
def test_what_cannot_be_awaited_is_named(serve: Serve, returned: Any, name: str) -> None:
    server = serve(lambda scope, receive, send: returned)
    assert server.get("/").status == 500
    said = f"has to return what can be awaited, as an async function does, not {name}"
    server.reports.expect("GET /", said, exception=TypeError)
    server.wait_idle()
