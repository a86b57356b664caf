"""Groups are walked while a slow member is closed, which lets the garbage collector run.

What it collects may have finalizers: a `finally` of a coroutine that nobody awaits any more, say.
They leave groups, join, send, and close, in the midst of the walk.
"""

import pytest

from memory.channels_rig import ALL_GONE
from memory.channels_rig import run as run_with_channels
from memory.provoked import provoke

ACTS = {
    "the next leave": "[send(DISCARD) for send in sends[1:-1]]",
    "all leave": "[send(DISCARD) for send in sends]",
    "all leave and come again": "[send(one) for one in (DISCARD, ADD) for send in sends]",
    "others send": "sends[-1](SEND)",
    "all are closed": "[send({'type': 'websocket.close'}) for send in sends]",
    "the server ends": "server.abort()",
    "the server shuts down": "server.shutdown()",
    "the server closes": "server.close()",
}
COLLECTED = """
    class Collected:
        # Refers to itself, so that the collector finds it.
        def __init__(self):
            self.me = self

        def __del__(self):
            acted.append(1)
            with contextlib.suppress(Exception):
                act()

    def with_collector(call):
        # Runs the finalizers where the call makes the next object of Python's.
        kept = [{} for _ in range(300)]  # no object comes from a list of free ones
        gc.disable()
        for _ in range(3):
            Collected()
        gc.set_threshold(1)
        gc.enable()
        try:
            return call()
        finally:
            gc.disable()
            gc.set_threshold(700)

    acted = []
"""


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
@pytest.mark.parametrize("policy", ["close", "drop-oldest", "drop-newest"])
def test_finalizer_in_a_walk_over_websockets(policy: str, act: str) -> None:
    provoke(f"""
    {COLLECTED}
    ADD, DISCARD = ({{"type": f"websocket.group.{{what}}", "group": "g"}}
                    for what in ("add", "discard"))
    SEND = {{"type": "websocket.group.send", "group": "g", "text": "x" * 300000}}
    sends = []

    async def application(scope, receive, send):
        await receive()
        await send({{"type": "websocket.accept"}})
        with contextlib.suppress(OSError):
            await send(ADD)
            sends.append(send)
            while (await receive())["type"] != "websocket.disconnect":
                pass

    def act():
        {act}

    loop = new_loop()
    loop.set_exception_handler(lambda loop, context: None)
    listener = bound()
    server = _core.Server(application, loop, slow_consumer={policy!r})
    server.listen(listener.fileno())
    clients = [connected(listener, UPGRADE) for _ in range(12)]  # none of them reads
    turn_until(loop, lambda: len(sends) == len(clients))
    for _ in range(40):
        awaitable = with_collector(lambda: sends[-1](SEND))
        with contextlib.suppress(OSError):
            loop.run_until_complete(asyncio.wait_for(awaitable, 0.01))
    assert acted
    server.abort()
    turn(loop)
    server.close()
    turn_until(loop, lambda: server.tasks == 0)
    loop.close()
    sends.clear()
    del server, awaitable
    collect()
    assert not alive(), alive()
    """)


@pytest.mark.parametrize(
    "act",
    [
        "[table.discard('g', one.name) for one in table.members('g')[1:]]",
        "[one.close() for one in table.listening()]",
        "table.send('g', {'type': 'a'})",
        "table.flush()",
        "server.abort()",
    ],
)
def test_finalizer_in_a_fan_out_over_channels(act: str) -> None:
    run_with_channels(f"""
    {COLLECTED}
    class Large(Plan):
        def payloads(self, message):
            return ("x" * 300000,)

    def act():
        {act}

    loop, table = new_loop(), new_table()
    server, listener = serve(loop, application_on(table, Large()))
    clients = join(loop, table, listener, 8)
    for _ in range(30):
        with_collector(lambda: table.send("g", {{"type": "a"}}))
        turn(loop, 1)
    assert acted
    gc.enable()
    server.abort()
    turn(loop)
    end(loop, server)
    del loop, table, server, act
    {ALL_GONE}
    """)
