"""References per request, exactly: a round of 200 must leave as many as an empty one.

    python3-dbg tests/memory/refcount_check.py

A debug interpreter counts every reference (sys.gettotalrefcount); any other counts the objects
that its garbage collector knows, which sees leaked cycles and messages but no leaked string.
Everything happens in one thread, so that the count is exact. Exit status 1 when something is left.
"""

import asyncio
import contextlib
import gc
import logging
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any

from casgi import _core

CALLS = 200
WARM_UP_ROUNDS = 2
HEAD = b"GET /%s?q HTTP/1.1\r\nHost: a\r\nX-Header: value\r\n%s\r\n"
POST = b"POST /%s HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n%s"
UPGRADE = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: c2l4dGVlbiBieXRlcyBvaw==\r\n"
)
MASKED_TEXT = b"\x81\x81\0\0\0\0x"
MASKED_CLOSE = b"\x88\x82\0\0\0\0\x03\xe8"
PLAIN = {"type": "a", "list": [1, 2.5, ("x", None, b"y")], "dict": {"key": True}}


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Behave as the path says."""
    path = scope["path"]
    if path == "/raise":
        raise ValueError(path)
    if path == "/exit":
        raise BaseException(path)
    if path == "/misuse":
        await misuse(receive, send)
    if path == "/cancel":
        task = asyncio.ensure_future(receive_all(receive))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    if path == "/wait":
        return await receive_all(receive)
    if path == "/member":
        return await member(receive, send)
    if scope["type"] == "websocket":
        return await websocket(path, receive, send)
    await send({"type": "http.response.start", "status": 200, "headers": [[b"x-a", b"b"]]})
    await send({"type": "http.response.body", "body": b"x" * 5000, "more_body": True})
    await send({"type": "http.response.body", "body": bytearray(b"end")})


async def receive_all(receive: Any) -> None:
    """Receive up to the disconnect."""
    while not (await receive())["type"].endswith("disconnect"):
        pass


async def misuse(receive: Any, send: Any) -> None:
    """Do what raises."""
    for message in [
        *[None, {}, {"type": 1}, {"type": "x"}, {"type": "http.response.body"}],
        {"type": "http.response.start", "status": "200"},
        {"type": "http.response.start", "status": 200, "headers": [(b"a", b"\n")]},
        {"type": "http.response.start", "status": 200, "headers": [(b"a", b"b"), (b"a",)]},
        {"type": "http.response.start", "status": 200, "headers": [(b"a", 1)]},
        {"type": "http.response.start", "status": 200, "headers": 1},
    ]:
        with contextlib.suppress(TypeError, ValueError, KeyError, RuntimeError):
            await send(message)
    receive()
    send({"type": "x"}).close()
    for awaitable in (receive(), send({"type": "x"})):
        with contextlib.suppress(ValueError):
            awaitable.throw(ValueError)


async def websocket(path: str, receive: Any, send: Any) -> None:
    """Deny, respond, or echo."""
    await receive()
    if path == "/deny":
        return await send({"type": "websocket.close"})
    if path == "/denial":
        await send({"type": "websocket.http.response.start", "status": 400, "headers": []})
        return await send({"type": "websocket.http.response.body", "body": b"no"})
    await send({"type": "websocket.accept", "headers": [(b"x-a", b"b")]})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


class Plan:
    """What makes a frame of a message, as a SharingPlan."""

    def run(self, message: dict[str, Any]) -> tuple[Any, ...] | None:
        """Share what has no number, and look at one method."""
        if "number" in message:
            return None
        return (
            (((), ("shared", "twice")),),
            (("method", Consumer.method, True),),
            b"known" * 3 + b"!",
        )

    def attributes_for(self, fingerprint: bytes) -> tuple[Any, ...] | None:
        """Know one of two handlers."""
        return (("method", Consumer.method, True),) if fingerprint[:1] == b"k" else None


class Consumer:
    """What listens to a channel."""

    def __init__(self, send: Any) -> None:
        self.base_send = send

    def method(self) -> None:
        """Be there."""


def wake(target: Any) -> None:
    """Wake a future, or whoever listens."""
    target.wake() if isinstance(target, _core.Channel) else target.set_result(None)


PLAN = Plan()
TABLE = _core.ChannelTable(lambda name: 3, wake, 60, 60, True)


async def member(receive: Any, send: Any) -> None:
    """Listen to a channel that is in two groups; repeat what it gives."""
    channel = TABLE.open("member")
    try:
        cycle = channel.listen(receive, send, Consumer(send), send, PLAN)
        assert cycle is not None
        await cycle.next_event()
        await send({"type": "websocket.accept"})
        TABLE.add("group", channel.name)
        TABLE.add("other group", channel.name)
        while (event := await cycle.next_event())["type"] != "websocket.disconnect":
            if event["type"] == "raise":
                raise ValueError(event)
            await send({"type": "websocket.send", "text": str(event)})
    finally:
        channel.close()


class Rig:
    """A server and its clients in one thread."""

    def __init__(self) -> None:
        self.loop = asyncio.SelectorEventLoop(_core.Selector())
        self.loop.set_exception_handler(lambda loop, context: None)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.server = _core.Server(application, self.loop)
        self.server.listen(self.listener.fileno())

    def turn(self) -> None:
        """Turn the loop once."""
        self.loop.call_soon(self.loop.stop)
        self.loop.run_forever()

    def turn_until(self, condition: Callable[[], bool]) -> None:
        """Turn the loop until something has happened."""
        deadline = self.loop.time() + 30
        while not condition():
            assert self.loop.time() < deadline, "it did not come to pass"
            self.turn()

    def talk(
        self, data: bytes, then: bytes = b"", *, resets: bool = False, waits: bool = True
    ) -> None:
        """Send `data`, and `then` when something was answered; leave."""
        with socket.create_connection(self.listener.getsockname()) as client:
            client.setblocking(False)
            client.sendall(data)
            if waits:
                self.turn_until(lambda: can_read(client))
            for _ in range(4):
                self.turn()
            client.sendall(then)
            for _ in range(4 if then else 0):
                self.turn()
            if resets:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.turn_until(lambda: self.server.connections == 0 and self.server.tasks == 0)


def fan_out(rig: Rig, *messages: dict[str, Any]) -> None:
    """Send to a member in every way while its WebSocket is open."""
    with socket.create_connection(rig.listener.getsockname()) as client:
        client.sendall(get(b"member", UPGRADE))
        rig.turn_until(lambda: any(one.is_idle for one in TABLE.members("other group")))
        for message in messages:
            TABLE.send("group", message)
            _, packed = TABLE.publish("group", message, b"packed")
            for each in (packed, b"packed"):
                TABLE.deliver("group", each, lambda _, message=message: dict(message))
            TABLE.put("member", dict(message))
            for _ in range(4):
                rig.turn()
        client.sendall(MASKED_TEXT + MASKED_CLOSE)
        for _ in range(4):
            rig.turn()
        TABLE.put("member", {"type": "late"})
    rig.turn_until(lambda: rig.server.connections == 0 and rig.server.tasks == 0)
    TABLE.flush()


def use_table(rig: Rig) -> None:
    """Call what needs no WebSocket."""
    for number in range(5):
        TABLE.put("c", {"type": "a", "number": number})
        TABLE.add("g", f"c{number}")
    TABLE.take("c")
    TABLE.send("g", PLAIN)
    TABLE.send("g", {"type": "a", "value": Rig})
    TABLE.members("g"), TABLE.groups(), TABLE.listening(), TABLE.is_listening("c")
    TABLE.discard("g", "c0")
    waiter = rig.loop.create_future()
    TABLE.wait("new", waiter)
    TABLE.abandon("new", waiter)
    TABLE.wait("new", waiter)
    TABLE.put("new", {})
    rig.turn()
    assert waiter.done()
    for call in (TABLE.put, TABLE.send, TABLE.add, TABLE.open):
        with contextlib.suppress(TypeError):
            call("c", None)  # type: ignore[call-arg, arg-type, operator]
    TABLE.open("forgotten").close()
    TABLE.flush()


def lose_groups(rig: Rig) -> None:
    """Have the loop tell of members that leave, and of groups that empty."""
    TABLE.on_group_empty = lambda name: None
    TABLE.on_leave = lambda name, channel: None
    fan_out(rig)
    rig.turn()
    TABLE.on_group_empty = TABLE.on_leave = None


def can_read(client: socket.socket) -> bool:
    """Tell whether something has come."""
    try:
        return len(client.recv(1, socket.MSG_PEEK)) > 0
    except BlockingIOError:
        return False


def get(path: bytes, headers: bytes = b"") -> bytes:
    """Return a request."""
    return HEAD % (path, headers)


USES: dict[str, Callable[[Rig], None]] = {
    "nothing": lambda rig: rig.turn(),
    "http": lambda rig: rig.talk(get(b"")),
    "pipelined": lambda rig: rig.talk(get(b"") * 3),
    "body": lambda rig: rig.talk(POST % (b"", b"hello")),
    "raised": lambda rig: rig.talk(get(b"raise")),
    "base exception": lambda rig: rig.talk(get(b"exit")),
    "misuse": lambda rig: rig.talk(get(b"misuse")),
    "bad request": lambda rig: rig.talk(b"BAD\r\n\r\n"),
    "cancelled receive": lambda rig: rig.talk(POST % (b"cancel", b"he"), b"llo", waits=False),
    "disconnect": lambda rig: rig.talk(get(b"wait"), waits=False, resets=True),
    "cut body": lambda rig: rig.talk(POST % (b"wait", b"he"), waits=False, resets=True),
    "websocket": lambda rig: rig.talk(get(b"", UPGRADE), MASKED_TEXT + MASKED_CLOSE),
    "websocket cut": lambda rig: rig.talk(get(b"", UPGRADE), MASKED_TEXT, resets=True),
    "websocket violation": lambda rig: rig.talk(get(b"", UPGRADE), b"\x81\x01x"),
    "websocket raised": lambda rig: rig.talk(get(b"raise", UPGRADE)),
    "websocket misuse": lambda rig: rig.talk(get(b"misuse", UPGRADE), MASKED_CLOSE),
    "table": use_table,
    "fan-out shared": lambda rig: fan_out(rig, {"type": "a"}, PLAIN),
    "fan-out of events": lambda rig: fan_out(rig, {"type": "a", "number": 1}, {"type": 5}),
    "fan-out that ends": lambda rig: fan_out(rig, {"type": "raise", "number": 1}),
    "groups that empty": lose_groups,
    "deny": lambda rig: rig.talk(get(b"deny", UPGRADE)),
    "denial": lambda rig: rig.talk(get(b"denial", UPGRADE)),
}


def count() -> int:
    """Return what the interpreter holds."""
    gc.collect()
    total: Callable[[], int] = getattr(sys, "gettotalrefcount", lambda: len(gc.get_objects()))
    return total()


def growth(rig: Rig, use: Callable[[Rig], None], calls: int) -> int:
    """Return how much a round leaves, after rounds that fill caches."""
    for _ in range(WARM_UP_ROUNDS):
        for _ in range(calls):
            use(rig)
    before = count()
    for _ in range(calls):
        use(rig)
    return count() - before


def leaks(calls: int = CALLS) -> dict[str, int]:
    """Return what leaves something behind, and how much in a round more than the empty one."""
    logging.disable()
    rig = Rig()
    for use in USES.values():
        growth(rig, use, 10)
    baseline = growth(rig, USES["nothing"], calls)
    found = {name: growth(rig, use, calls) - baseline for name, use in USES.items()}
    rig.server.close()
    rig.loop.close()
    rig.listener.close()
    logging.disable(logging.NOTSET)
    return {name: left for name, left in found.items() if left != 0}


if __name__ == "__main__":
    left = leaks()
    alive = {kind: number for kind, number in _core.counters().items() if number}
    kind = "references" if hasattr(sys, "gettotalrefcount") else "objects"
    print(f"{len(USES)} uses, {CALLS} calls a round; {kind} left: {left}; alive: {alive}")
    sys.exit(1 if left or alive else 0)
