"""Small ASGI applications, and the two things a test needs to talk with one in another thread.

A `Journal` carries what the application saw to the test; a `Gate` holds the application until
the test lets it go on. Nothing here knows which server runs the application.
"""

import asyncio
import concurrent.futures
import queue
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Coroutine[Any, Any, Message]]
Send = Callable[[Message], Coroutine[Any, Any, None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]

DEADLINE = 30.0
"""Seconds after which a test that waits for something gives up."""


class Journal:
    """What an application saw, in order, handed over to the thread of the test."""

    def __init__(self) -> None:
        self._entries: queue.Queue[Any] = queue.Queue()

    def add(self, entry: Any) -> None:
        """Append an entry; called by the application."""
        self._entries.put(entry)

    def next(self, timeout: float = DEADLINE) -> Any:
        """Return the oldest entry not yet taken, waiting for it."""
        try:
            return self._entries.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"the application noted nothing for {timeout} s") from None

    def rest(self) -> list[Any]:
        """Return every entry that is there and not yet taken."""
        entries = []
        while not self._entries.empty():
            entries.append(self._entries.get_nowait())
        return entries


class Gate:
    """Keeps an application waiting until the test opens it."""

    def __init__(self) -> None:
        self._opened: concurrent.futures.Future[None] = concurrent.futures.Future()

    def open(self) -> None:
        """Let everybody pass who waits now or later; callable from any thread."""
        if not self._opened.done():
            self._opened.set_result(None)

    async def wait(self) -> None:
        """Return once the gate is open."""
        await asyncio.shield(asyncio.wrap_future(self._opened))


async def respond(
    send: Send, body: bytes = b"", *, status: int = 200, headers: Headers = ()
) -> None:
    """Send a whole response in one start and one body message."""
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


async def read_body(receive: Receive) -> bytes:
    """Return the request's whole body."""
    parts = []
    more = True
    while more:
        message = await receive()
        assert message["type"] == "http.request", message
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer every request with `hello`."""
    assert scope["type"] == "http"
    await respond(send, b"hello", headers=[(b"content-length", b"5")])


async def echo_body(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the request's body."""
    assert scope["type"] == "http"
    body = await read_body(receive)
    await respond(send, body, headers=[(b"content-length", str(len(body)).encode())])


async def echo_path(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the request's path."""
    assert scope["type"] == "http"
    await respond(send, str(scope["path"]).encode())


async def echo_websocket(scope: Scope, receive: Receive, send: Send) -> None:
    """Accept a WebSocket and send every message back until it closes."""
    assert scope["type"] == "websocket"
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})
    assert message["type"] == "websocket.disconnect", message


def recording_scope(journal: Journal) -> Application:
    """Return an HTTP application that notes its scope and answers 200."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add(scope)
        await respond(send, b"seen")

    return application


def recording_websocket(journal: Journal) -> Application:
    """Return a WebSocket application that accepts and notes every message it receives."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "websocket"
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        message: Message = {"type": ""}
        while message["type"] != "websocket.disconnect":
            message = await receive()
            journal.add(message)

    return application


class Stream:
    """An application that sends 64 MB in pieces, and notes how many it has sent."""

    def __init__(self, journal: Journal, *, listens: bool) -> None:
        """Let a task listen for the client's end, too, as Starlette does, or do nothing else."""
        self.sent = 0
        self._journal = journal
        self._listens = listens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond."""
        await receive()
        await send({"type": "http.response.start", "status": 200})
        sender = asyncio.create_task(self._send_all(send))
        if self._listens:
            self._journal.add(((await receive())["type"], self.sent))
        await sender
        self._journal.add("ended")

    async def _send_all(self, send: Send) -> None:
        for number in range(1000):
            more = {"more_body": number < 999}
            await send({"type": "http.response.body", "body": bytes(65536), **more})
            self.sent += 1
