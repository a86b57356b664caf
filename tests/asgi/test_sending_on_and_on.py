"""An application that sends without end, and never waits since nothing of it stays in the server.

A client's HEAD is enough for a stream that waits for its reader otherwise.
"""

import asyncio
import contextlib

import pytest
from support.apps import Journal, Message, Receive, Scope, Send
from support.raw import request
from support.server import Serve

MOST = 100_000
TURNS = 10

PIECE = {"type": "http.response.body", "body": b"x" * 1000, "more_body": True}
NOTHING = {"type": "http.response.body", "more_body": True}
HINT = {"type": "http.response.early_hint", "links": [b"</style.css>; rel=preload"]}


class Endless:
    """Sends a message again and again until the loop has turned some times, and notes how often."""

    def __init__(self, journal: Journal, message: Message, status: int | None = None) -> None:
        self._journal = journal
        self._message = message
        self._status = status
        self._turns = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send, between what has to stand around it."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await self._send_on(send)
            await send({"type": "websocket.close"})
            return
        if self._status is not None:
            await send({"type": "http.response.start", "status": self._status})
        await self._send_on(send)
        if self._status is None:
            await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body"})

    async def _send_on(self, send: Send) -> None:
        self._turn()
        for _ in range(MOST):
            with contextlib.suppress(ValueError):
                await send(self._message)
            if self._turns == TURNS:
                break
        self._journal.add(self._turns)

    def _turn(self) -> None:
        self._turns += 1
        if self._turns < TURNS:
            asyncio.get_running_loop().call_soon(self._turn)


@pytest.mark.parametrize(
    ("method", "status", "message"),
    [("HEAD", 200, PIECE), ("GET", 204, PIECE), ("GET", 304, PIECE), ("GET", 200, NOTHING)],
)
def test_response_of_which_nothing_is_sent(
    serve: Serve, method: str, status: int, message: Message
) -> None:
    journal = Journal()
    with serve(Endless(journal, message, status)).connect() as client:
        client.send(request(method=method))
        assert journal.next() == TURNS
        assert client.read_response(method).status == status


@pytest.mark.http1
def test_hints_for_a_client_that_knows_none(serve: Serve) -> None:
    journal = Journal()
    with serve(Endless(journal, HINT)).connect() as client:
        client.send(request(version="1.0"))
        assert journal.next() == TURNS
        assert client.read_response().status == 200


def test_errors_on_a_websocket(serve: Serve) -> None:
    """Who catches whatever send() raises, and tries again."""
    journal = Journal()
    with serve(Endless(journal, {"type": "websocket.send"})).websocket() as client:
        assert journal.next() == TURNS
        client.finish_close()
