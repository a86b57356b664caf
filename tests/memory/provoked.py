"""A script in an interpreter of its own, for what would bring down the process of the tests.

The script finds a bound socket, an application and the raw pieces of a request ready made.
"""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent

PRELUDE = """
import asyncio, contextlib, gc, os, socket, struct, sys, threading
from casgi import _core

GET = b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"
UPGRADE = (b"GET / HTTP/1.1\\r\\nHost: a\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
           b"Sec-WebSocket-Key: c2l4dGVlbiBieXRlcyBvaw==\\r\\n"
           b"Sec-WebSocket-Version: 13\\r\\n\\r\\n")
START = {"type": "http.response.start", "status": 200}
BODY = {"type": "http.response.body", "body": b"hello"}


def bound():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


def connected(listener, data=b""):
    client = socket.create_connection(listener.getsockname(), timeout=10)
    client.sendall(data)
    return client


def new_loop():
    return asyncio.SelectorEventLoop(_core.Selector())


def alive():
    return {kind: count for kind, count in _core.counters().items() if count}


def collect():
    for _ in range(3):
        gc.collect()


def turn(loop, times=10):
    for _ in range(times):
        loop.run_until_complete(asyncio.sleep(0.001))


def turn_until(loop, condition):
    deadline = loop.time() + 10
    while not condition():
        assert loop.time() < deadline, "it did not come to pass"
        turn(loop, 1)
"""


def provoke(script: str) -> str:
    """Run the script, which must end well, and return what it printed."""
    package = Path(sys.modules["casgi"].__path__[0]).parent
    paths = [str(package), str(TESTS), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", PRELUDE + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    assert done.returncode == 0, f"ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    for complaint in ("Sanitizer", "runtime error", "SystemError", "Exception ignored"):
        assert complaint not in done.stderr, done.stderr
    return done.stdout
