"""Messages and scopes whose parts run code of the application while they are read."""

import asyncio
import sys
from typing import Any

import pytest
from support.apps import Journal, Receive, Scope, Send, read_body, respond
from support.server import Serve


class Impostor:
    """A key of a dict that sits where `name` would, and runs `compared` when it is compared."""

    def __init__(self, name: str, compared: Any) -> None:
        self._hash = hash(name)
        self._compared = compared

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        self._compared()
        return False


class Broken(Exception):
    """Raised by a comparison."""


def fail() -> None:
    raise Broken


@pytest.mark.skipif(sys.version_info < (3, 12), reason="no __buffer__ in Python before 3.12")
@pytest.mark.parametrize("emptied", ["pair", "headers", "both"])
def test_header_that_empties_its_list(serve: Serve, emptied: str) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        class Name(bytearray):
            def __buffer__(self, flags: int) -> memoryview:
                for emptying in (pair, headers):
                    if emptied == "both" or (emptied == "pair") == (emptying is pair):
                        emptying.clear()
                return memoryview(b"x-name")

        pair: list[Any] = [Name(b"name"), bytes(bytearray(b"value"))]
        headers: list[Any] = [pair, [b"x-more", bytes(bytearray(b"more"))]]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})

    response = serve(application).get()
    assert response.status == 200
    assert dict(response.headers)[b"x-name"] == b"value"
    assert dict(response.headers)[b"x-more"] == b"more"


@pytest.mark.parametrize("key", ["status", "headers", "body", "more_body"])
def test_lookup_that_fails(serve: Serve, key: str) -> None:
    """Its exception comes out of send(), the message changes nothing."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": []}
        body = {"type": "http.response.body", "body": b"ok", "more_body": False}
        for message in (start, body):
            if key in message:
                others = {name: value for name, value in message.items() if name != key}
                hostile: dict[Any, Any] = {Impostor(key, fail): None, **others}
                with pytest.raises(Broken):
                    await send(hostile)
                journal.add(key)
            await send(message)

    assert serve(application).get().body == b"ok"
    assert journal.next() == key


def test_lookup_that_fails_the_second_time(serve: Serve) -> None:
    """A key is looked up once: nothing is left to fail when the answer is known.

    How often it is compared in one look-up depends on the hashes, which are others in each process.
    """
    compared: list[int] = []
    message: dict[Any, Any] = {}
    once = 0

    def fail_later() -> None:
        compared.append(1)
        if 0 < once < len(compared):
            raise Broken

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send(message)

    message = {Impostor("body", fail_later): None, "type": "http.response.body"}
    assert "body" not in message
    once = len(compared)
    compared.clear()
    assert serve(application).get().body == b""
    assert len(compared) == once


def test_what_is_none_is_as_absent(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": None})
        await send({"type": "http.response.body", "body": None, "more_body": True})
        await send({"type": "http.response.body", "body": b"ok", "more_body": None})

    assert serve(application).get().body == b"ok"


@pytest.mark.parametrize("key", ["text", "bytes", "code", "reason", "group"])
def test_lookup_that_fails_on_a_websocket(serve: Serve, key: str) -> None:
    journal = Journal()
    kinds = {"code": "close", "reason": "close", "group": "group.add"}

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        hostile: dict[Any, Any] = {Impostor(key, fail): None}
        hostile["type"] = f"websocket.{kinds.get(key, 'send')}"
        with pytest.raises(Broken):
            await send(hostile)
        journal.add(key)
        await send({"type": "websocket.close"})

    with serve(application).websocket() as client:
        assert client.read_close()[0] == 1000
    assert journal.next() == key


def test_scope_whose_lookup_fails(serve: Serve) -> None:
    """The log names no request then, but is written."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        hostile: Any = scope
        for key in ("method", "raw_path"):
            del hostile[key]
            hostile[Impostor(key, fail)] = None
        await read_body(receive)
        raise RuntimeError("after that")

    server = serve(application)
    assert server.get().status == 500
    server.reports.expect("request unknown", exception=RuntimeError)


def test_scope_whose_lookup_drops_what_was_found(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        hostile: Any = scope
        hostile["method"] = "".join(["GE", "T"])  # of which the scope has the only reference
        hostile["raw_path"] = None
        del hostile["raw_path"]
        hostile[Impostor("raw_path", lambda: hostile.pop("method", None))] = None
        await read_body(receive)
        raise RuntimeError("after that")

    server = serve(application)
    assert server.get().status == 500
    server.reports.expect("request unknown", exception=RuntimeError)


def test_task_that_ends_while_it_is_listed(serve: Serve) -> None:
    """`unfinished()` describes requests, which runs their code."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        cycle: Any = receive.__self__  # type: ignore[attr-defined]

        class Method:
            def __str__(self) -> str:
                done = loop.create_future()
                done.set_result(None)
                cycle._on_task_done(done)
                return "ENDED"

        loop = asyncio.get_running_loop()
        hostile: Any = scope
        if scope["path"] == "/hostile":
            hostile["method"] = Method()
        journal.add(scope["path"])
        await release.wait()
        await respond(send, b"late")

    release = asyncio.Event()
    server = serve(application)
    clients = [server.connect() for _ in range(3)]
    for client, path in zip(clients, ("/a", "/hostile", "/b"), strict=True):
        client.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert journal.next() == path
    core: Any = server.engine.server  # type: ignore[attr-defined]
    listed = [request for request, _ in server.call(core.unfinished)]
    assert listed[:2] == ["GET /a", "ENDED /hostile"]
    server.reports.expect("without completing its response")
    server.call(release.set)
    assert clients[0].read_response().body == b"late"
