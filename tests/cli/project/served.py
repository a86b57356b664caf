"""Applications that the tests of the command serve. They say on standard output what they see."""

import asyncio
import json
import os
import threading
import time
from pathlib import Path


def say(text):
    print(text, flush=True)


async def respond(send, body, status=200):
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def hello(scope, receive, send):
    assert scope["type"] == "http", scope["type"]
    await respond(send, b"hello")


def patient():
    """Become an application when there is a file."""
    say("importing")
    while not Path(os.environ["GO_ON"]).exists():
        time.sleep(0.01)
    return hello


async def make_async():
    """Make an application as no server asks for one."""
    return hello


async def starting(scope, receive, send):
    """Start up when there is a file."""
    assert scope["type"] == "lifespan"
    assert (await receive())["type"] == "lifespan.startup"
    say("starting")
    go_on = Path(os.environ["GO_ON"])
    while not go_on.exists():  # noqa: ASYNC240  It is there at once.
        await asyncio.sleep(0.01)
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def follow_lifespan(scope, receive, send):
    """Say what the lifespan brings, and put something into the state."""
    assert (await receive())["type"] == "lifespan.startup"
    scope["state"]["greeting"] = "from lifespan"
    say("startup")
    await send({"type": "lifespan.startup.complete"})
    assert (await receive())["type"] == "lifespan.shutdown"
    say("shutdown")
    await send({"type": "lifespan.shutdown.complete"})
    say("after shutdown")


async def with_lifespan(scope, receive, send):
    if scope["type"] == "lifespan":
        await follow_lifespan(scope, receive, send)
    else:
        await respond(send, repr(scope.get("state")).encode())


async def endless(scope, receive, send):
    """Never answer, and say when it is cancelled."""
    if scope["type"] == "lifespan":
        await follow_lifespan(scope, receive, send)
        return
    say("request")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        say("cancelled")
        raise


async def deeply_waiting(scope, receive, send):
    """Wait in a task that another coroutine waits for."""
    assert scope["type"] != "lifespan"
    say("request")
    await wait_for_nothing()


async def wait_for_nothing():
    await asyncio.create_task(the_innermost())


async def the_innermost():
    async with asyncio.timeout(None):
        await asyncio.Event().wait()


async def executor_size(scope, receive, send):
    assert scope["type"] == "http", scope["type"]
    loop = asyncio.get_running_loop()
    await asyncio.to_thread(say, "thread")
    await respond(send, str(loop._default_executor._max_workers).encode())


async def answer_after_signal(scope, receive, send):
    """Answer a request only when the server has begun to stop."""
    if scope["type"] == "lifespan":
        await follow_lifespan(scope, receive, send)
        return
    say("request")
    while scope["server"] is not None and await can_connect(*scope["server"]):
        await asyncio.sleep(0.01)
    await respond(send, b"finished")


async def can_connect(host, port):
    try:
        _, writer = await asyncio.open_connection(host, port)
    except ConnectionRefusedError:
        return False
    writer.close()
    return True


async def in_thread(scope, receive, send):
    """Be stuck in a thread, which cannot be cancelled."""
    assert scope["type"] == "http", scope["type"]
    say("request")
    await asyncio.to_thread(time.sleep, 1000)


async def with_loop_in_thread(scope, receive, send):
    """Have an event loop of its own in a thread, as bridges to other libraries do, for ever."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="bridge").start()
    await hello(scope, receive, send)


async def blocking(scope, receive, send):
    """Hold the event loop up, as a forgotten await would."""
    if scope["type"] == "http":
        say("request")
        time.sleep(1000)  # noqa: ASYNC251  The fault is what is tested.


async def endless_startup(scope, receive, send):
    say("starting")
    try:
        await asyncio.Event().wait()
    finally:
        say("gave up")


async def endless_shutdown(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    say("shutting down")
    await asyncio.Event().wait()


async def failing_startup(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})


async def crashing_startup(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        raise OSError("the cache is down")
    await respond(send, repr("state" in scope).encode())


async def failing_shutdown(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.failed", "message": "disk full"})


class Double:
    """ASGI 2."""

    def __init__(self, scope):
        self.scope = scope

    async def __call__(self, receive, send):
        assert self.scope["type"] == "http", self.scope["type"]
        await respond(send, b"double")


def make_application():
    return hello


def wsgi(environ, start_response):
    raise AssertionError("never called")


number = 42


async def tell_scope(scope, receive, send):
    """Answer with what a proxy can change of the scope, over HTTP and WebSocket alike."""
    assert scope["type"] in ("http", "websocket"), scope["type"]
    names = [name.decode() for name, _ in scope["headers"]]
    told = {name: scope.get(name) for name in ("client", "scheme", "root_path", "path")}
    text = json.dumps({**told, "has_root_path_header": "daphne-root-path" in names})
    if scope["type"] == "http":
        await respond(send, text.encode())
        return
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": text})
    await receive()
