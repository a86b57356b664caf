"""Python code that runs in the middle of a send(), and closes, answers, or lets the loop go on.

That is how the garbage collector's finalizers, handlers of the log and an event loop of somebody's
own come to run there, and other threads with them. What the server is at work on has to stay.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from support.apps import DEADLINE, Application, Receive, Scope, Send
from support.raw import request
from support.ws import upgrade

from casgi import _core

Step = Callable[["Stage", Receive, Send], Awaitable[None]]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class HookedLoop(asyncio.SelectorEventLoop):
    """Calls `action` once, from inside the next call that schedules something.

    `action_of_threads` is for calls of other threads.
    """

    action: Callable[[], None] | None = None
    action_of_threads: Callable[[], None] | None = None

    def call_soon(self, *args: Any, **keywords: Any) -> asyncio.Handle:
        action, self.action = self.action, None
        if action is not None:
            action()
        return super().call_soon(*args, **keywords)

    def call_soon_threadsafe(self, *args: Any, **keywords: Any) -> asyncio.Handle:
        action, self.action_of_threads = self.action_of_threads, None
        if action is not None:
            action()
        return super().call_soon_threadsafe(*args, **keywords)


class Stage:
    """A server on a hooked loop, with the clients that the test has made."""

    def __init__(self, loop: HookedLoop, application: Application, options: dict[str, Any]) -> None:
        self.loop = loop
        self.refusals: list[str] = []
        self.server = _core.Server(application, loop, **options)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._clients: list[Streams] = []
        self.server.listen(self._listener.fileno())

    async def connect(self, opening: bytes) -> Streams:
        """Return the streams of a new client, which has sent this."""
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        await self.loop.sock_connect(client, self._listener.getsockname())
        streams = await asyncio.open_connection(sock=client)
        streams[1].write(opening)
        self._clients.append(streams)
        return streams

    async def start_receiving(self, receive: Receive) -> None:
        """Have a task wait for an event: it is scheduled when the event comes."""
        self._receiving = asyncio.ensure_future(receive())
        await asyncio.sleep(0)

    def reset_clients(self) -> None:
        """Have all clients leave without a word."""
        for _, writer in self._clients:
            writer.transport.abort()

    def try_to_close(self) -> None:
        """Close the server, and note that it can not be."""
        try:
            self.server.close()
        except RuntimeError as error:
            self.refusals.append(str(error))

    def end(self) -> None:
        """Close everything."""
        self.server.close()
        self._listener.close()
        for _, writer in self._clients:
            writer.close()


def play(
    act: Step, *, opening: bytes, clients: int = 1, selector: bool = True, **options: Any
) -> list[str]:
    """Have `act` be the application of the last client; return how attempts to close failed."""

    async def run(loop: HookedLoop) -> list[str]:
        is_done = asyncio.Event()
        count = 0

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            nonlocal count
            count += 1
            await receive()
            if count < clients:
                await be_a_slow_member(receive, send)
                return
            try:
                await asyncio.sleep(0)  # out of the turn, in which nobody closes the server
                await act(stage, receive, send)
            finally:
                is_done.set()

        stage = Stage(loop, application, options)
        async with asyncio.timeout(DEADLINE):
            for _ in range(clients):
                reader, _ = await stage.connect(opening)
                if clients > 1:
                    await reader.readuntil(b"\r\n\r\n")
            await is_done.wait()
            stage.end()
            while len(asyncio.all_tasks()) > 1:
                await asyncio.sleep(0)
        return stage.refusals

    loop = HookedLoop(_core.Selector()) if selector else HookedLoop()
    try:
        return loop.run_until_complete(run(loop))
    finally:
        loop.close()


async def be_a_slow_member(receive: Receive, send: Send) -> None:
    """Join a group, and have more to read than the client, which reads none of it."""
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.group.add", "group": "all"})
    receiving = asyncio.ensure_future(receive())
    send({"type": "websocket.send", "bytes": bytes(4_000_000)})
    await receiving


async def deny(stage: Stage, receive: Receive, send: Send) -> None:
    await stage.start_receiving(receive)
    stage.loop.action = stage.try_to_close
    await send({"type": "websocket.close"})


async def close(stage: Stage, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept"})
    await deny(stage, receive, send)


async def shut_down(stage: Stage, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept"})
    await stage.start_receiving(receive)
    stage.loop.action = stage.try_to_close
    stage.server.shutdown()


async def respond(stage: Stage, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200})
    await stage.start_receiving(receive)
    stage.loop.action = stage.try_to_close
    await send({"type": "http.response.body", "body": b"hello"})


async def send_to_the_slow(stage: Stage, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.group.add", "group": "all"})
    stage.loop.action = stage.try_to_close
    await send({"type": "websocket.group.send", "group": "all", "text": "hello"})


CLOSING: dict[str, tuple[Step, dict[str, Any]]] = {
    "a refusal": (deny, {"opening": upgrade()}),
    "a close": (close, {"opening": upgrade()}),
    "a response": (respond, {"opening": request()}),
    "a shutdown": (shut_down, {"opening": upgrade()}),
    "a walk over a group": (
        send_to_the_slow,
        {"opening": upgrade(), "clients": 3, "write_backlog_limit": 1000},
    ),
}


@pytest.mark.parametrize("selector", [True, False], ids=["selector", "rider"])
@pytest.mark.parametrize("what", CLOSING)
def test_server_is_not_closed_from_within(what: str, selector: bool) -> None:
    act, options = CLOSING[what]
    refusals = play(act, selector=selector, **options)
    assert len(refusals) == 1
    assert "from inside one of its own callbacks" in refusals[0]


def let_the_loop_turn(loop: asyncio.AbstractEventLoop) -> None:
    """Have it look at its sockets several times; on another thread."""
    for _ in range(8):
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(DEADLINE)


async def send_in_a_thread(stage: Stage, send: Send, message: dict[str, Any]) -> None:
    """Send it there; in the middle of that the client leaves, and the loop turns."""

    async def main() -> None:
        await send(message)
        assert stage.loop.action_of_threads is None

    def leave() -> None:
        stage.loop.call_soon_threadsafe(stage.reset_clients)
        let_the_loop_turn(stage.loop)

    stage.loop.action_of_threads = leave
    await asyncio.to_thread(asyncio.run, main())


async def deny_in_a_thread(stage: Stage, receive: Receive, send: Send) -> None:
    await stage.start_receiving(receive)
    await send_in_a_thread(stage, send, {"type": "websocket.close"})


async def close_in_a_thread(stage: Stage, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept"})
    await deny_in_a_thread(stage, receive, send)


async def respond_in_a_thread(stage: Stage, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200})
    await stage.start_receiving(receive)
    await send_in_a_thread(stage, send, {"type": "http.response.body", "body": b"hello"})


THREADS: dict[str, tuple[Step, bytes]] = {
    "a refusal": (deny_in_a_thread, upgrade()),
    "a close": (close_in_a_thread, upgrade()),
    "a response": (respond_in_a_thread, request()),
}


@pytest.mark.parametrize("selector", [True, False], ids=["selector", "rider"])
@pytest.mark.parametrize("what", THREADS)
def test_client_that_leaves_while_a_thread_sends(what: str, selector: bool) -> None:
    act, opening = THREADS[what]
    play(act, opening=opening, selector=selector)


class AnsweringHandler(logging.Handler):
    """Refuses the WebSocket, in the middle of the line that says that it was not answered."""

    def __init__(self) -> None:
        super().__init__()
        self.send: Send | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self.send is not None and "neither accepted" in record.getMessage():
            sending = self.send({"type": "websocket.close"})
            sending.close()


def test_refusal_from_within_the_line_about_the_missing_answer() -> None:
    async def wait(stage: Stage, receive: Receive, send: Send) -> None:
        handler.send = send
        assert (await receive())["type"] == "websocket.disconnect"

    handler = AnsweringHandler()
    logging.getLogger("casgi.error").addHandler(handler)
    try:
        play(wait, opening=upgrade(), websocket_connect_timeout=0.01)
    finally:
        logging.getLogger("casgi.error").removeHandler(handler)
