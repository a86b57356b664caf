"""Applications that the tests of workers serve. They say on standard output what they see."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import casgi


def say(text):
    """Write a line, in one piece: others write to the same pipe."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def respond(send, body):
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def follow_lifespan(receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    say(f"shutdown {os.getpid()}")
    await send({"type": "lifespan.shutdown.complete"})


async def tell_process(scope, receive, send):
    """Answer with the PID; a WebSocket gets it as its first message."""
    if scope["type"] == "lifespan":
        await follow_lifespan(receive, send)
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": str(os.getpid())})
        while (await receive())["type"] != "websocket.disconnect":
            pass
    else:
        await respond(send, str(os.getpid()).encode())


async def orphaning(scope, receive, send):
    """Leave a process behind that only waits, and whose parent has gone; answer with its PID."""
    if scope["type"] == "lifespan":
        await follow_lifespan(receive, send)
        return
    shell = await asyncio.create_subprocess_exec(
        "sh", "-c", "sleep 1000 >/dev/null & echo $!", stdout=asyncio.subprocess.PIPE
    )
    output, _ = await shell.communicate()
    await respond(send, output)


async def tell_environment(scope, receive, send):
    """Answer with the environment, and the descriptors that a child gets."""
    assert scope["type"] == "http", scope["type"]
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import os; print(sorted(os.listdir('/proc/self/fd')))",
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await child.communicate()
    told = {"environment": dict(os.environ), "descriptors": output.decode()}
    await respond(send, json.dumps(told).encode())


async def endless(scope, receive, send):
    """Never answer."""
    if scope["type"] == "lifespan":
        await follow_lifespan(receive, send)
    say("request")
    await asyncio.Event().wait()


async def blocking(scope, receive, send):
    """Hold the event loop up at /block, as a forgotten await would."""
    assert scope["type"] == "http", scope["type"]
    if scope["path"] == "/block":
        say(f"blocked {os.getpid()}")
        time.sleep(1000)  # noqa: ASYNC251  The fault is what is tested.
    await respond(send, str(os.getpid()).encode())


def deployed():
    """Return an application while the file "broken" is not there."""
    if Path(os.environ["BROKEN"]).exists():
        raise RuntimeError("a broken release")
    return tell_process


def deployed_slowly():
    """Return the same when there is a file."""
    while not Path(os.environ["GO_ON"]).exists():
        time.sleep(0.01)
    return deployed()


def dying():
    """End as soon as there is an application, when the file "dying" is there."""
    if Path(os.environ["DYING"]).exists():
        os._exit(7)
    return tell_process


def slow():
    """Never become an application."""
    say(f"importing {os.getpid()}")
    time.sleep(1000)


def patient():
    """Become an application when there is a file."""
    say(f"importing {os.getpid()}")
    while not Path(os.environ["GO_ON"]).exists():
        time.sleep(0.01)
    return tell_process


async def tell_version(scope, receive, send):
    """Answer with the version of casgi; a WebSocket gets it as its first message."""
    if scope["type"] == "http":
        await respond(send, casgi.__version__.encode())
    else:
        await tell_process(scope, receive, send)
