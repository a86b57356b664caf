"""Forks a process for each script whose path comes on standard input, and says how it has ended.

The scripts of memory/provoked.py: each has what is below, and runs as the main module of a process
that ends as any interpreter does. It writes into files beside the script.
"""

import asyncio
import contextlib  # noqa: F401  For the scripts, as are others below.
import gc
import os
import socket
import struct  # noqa: F401
import sys
import threading  # noqa: F401

from casgi import _core

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: c2l4dGVlbiBieXRlcyBvaw==\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n"
)
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
    deadline = loop.time() + 30
    while not condition():
        assert loop.time() < deadline, "it did not come to pass"
        turn(loop, 1)


def next_script():
    """Return the text of a script, in a process of its own; None when there is no more."""
    for line in sys.stdin:
        path = line.rstrip("\n")
        if (pid := os.fork()) == 0:
            for descriptor, end in ((1, "out"), (2, "err")):
                file = os.open(f"{path}.{end}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
                os.dup2(file, descriptor)
                os.close(file)
            with open(path) as script:
                return script.read()
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
    return None


if (script := next_script()) is not None:
    exec(compile(script, "<script>", "exec"), globals())
