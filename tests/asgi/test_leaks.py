"""Nothing is kept per request: memory blocks and references of the interpreter stay as many.

Counted in rounds, the first ones as warm-up: caches fill, but a leak grows in every round.
"""

import asyncio
import contextlib
import gc
import logging
import sys
from collections.abc import Callable
from itertools import pairwise

import pytest
from support.apps import Receive, Scope, Send, echo_websocket, respond
from support.raw import request
from support.server import LiveServer, Serve
from support.ws import TEXT, encode_frame, upgrade

CALLS = 100
ROUNDS = 6


async def everything(scope: Scope, receive: Receive, send: Send) -> None:
    """Behave as the path says."""
    if scope["type"] == "websocket":
        if scope["path"] == "/deny":
            await receive()
            return await send({"type": "websocket.close"})
        return await echo_websocket(scope, receive, send)
    if scope["path"] == "/cancelled":
        task = asyncio.ensure_future(receive())
        task.cancel()
        await asyncio.wait([task])
    if scope["path"] == "/refused":
        with contextlib.suppress(ValueError, RuntimeError):
            await send({"type": "http.response.start", "status": 200, "headers": [(b"a\n", b"b")]})
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-a", b"b")]})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body", "body": b"end"})


def get(server: LiveServer) -> None:
    with server.connect() as client:
        for _ in range(CALLS):
            client.send(request("/a?b", headers=["X-Header: value"]))
            assert client.read_response().body == b"end"


def post(server: LiveServer) -> None:
    with server.connect() as client:
        for _ in range(CALLS):
            client.send(request("/post", method="POST", body=b"x" * 3000))
            assert len(client.read_response().body) == 3003


def pipelined(server: LiveServer) -> None:
    with server.connect() as client:
        client.send(request() * CALLS)
        for _ in range(CALLS):
            assert client.read_response().body == b"end"


def connections(server: LiveServer) -> None:
    for _ in range(CALLS):
        assert server.get().body == b"end"


def refused_requests(server: LiveServer) -> None:
    for _ in range(CALLS):
        assert server.exchange(b"BAD\r\n\r\n").status == 400


def refused_messages(server: LiveServer) -> None:
    with server.connect() as client:
        for _ in range(CALLS):
            client.send(request("/refused"))
            assert client.read_response().status == 200


def cancelled_receives(server: LiveServer) -> None:
    with server.connect() as client:
        for _ in range(CALLS):
            client.send(request("/cancelled"))
            assert client.read_response().status == 200


def messages(server: LiveServer) -> None:
    with server.websocket() as client:
        for number in range(CALLS):
            client.send_text(str(number))
            assert client.read_text() == str(number)
        client.finish()


def websockets(server: LiveServer) -> None:
    for _ in range(CALLS):
        with server.websocket(headers=["Sec-WebSocket-Protocol: a, b"]) as client:
            client.finish()


def denied(server: LiveServer) -> None:
    for _ in range(CALLS):
        with server.connect() as client:
            client.send(upgrade("/deny"))
            assert client.read_response().status == 403


def bad_frames(server: LiveServer) -> None:
    for _ in range(CALLS):
        with server.websocket() as client:
            client.send(encode_frame(TEXT, b"x", mask=None))
            assert client.read_close()[0] == 1002


def dropped(server: LiveServer) -> None:
    for number in range(CALLS):
        client = server.connect()
        client.send(request(method="POST", headers=["Content-Length: 10"])[: number % 60])
        client.close()
    server.wait_idle()


USES = [
    *[get, post, pipelined, connections, refused_requests, refused_messages],
    *[cancelled_receives, messages, websockets, denied, bad_frames, dropped],
]


def measured(server: LiveServer) -> int:
    """Return how much the interpreter holds, in references (debug builds) or blocks of memory."""
    server.wait_idle()
    server.forget_clients()
    assert server.reports.take_errors() == []
    forget_log_records()
    gc.collect()
    count: Callable[[], int] = getattr(sys, "gettotalrefcount", sys.getallocatedblocks)
    return count()


def forget_log_records() -> None:
    """Empty what pytest's handlers keep of the log for its report."""
    for handler in logging.getLogger().handlers:
        getattr(handler, "reset", lambda: None)()


def assert_steady(counts: list[int]) -> None:
    """Check that not every round after the warm-up left something behind for every call."""
    growth = [later - earlier for earlier, later in pairwise(counts[1:])]
    assert min(growth) < CALLS // 2, f"each round of {CALLS} left more behind: {growth}"


@pytest.mark.parametrize("use", USES)
def test_steady(serve: Serve, use: Callable[[LiveServer], None]) -> None:
    server = serve(everything)
    counts = []
    for _ in range(ROUNDS):
        use(server)
        counts.append(measured(server))
    assert_steady(counts)


def test_failing_application(serve: Serve) -> None:
    """Tracebacks hold frames, and those hold receive and send."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/boom":
            raise ValueError
        await respond(send)

    server = serve(application)
    counts = []
    for _ in range(ROUNDS):
        for _ in range(CALLS):
            assert server.get("/boom").status == 500
            server.reports.expect("/boom", exception=ValueError)
        counts.append(measured(server))
    assert_steady(counts)
