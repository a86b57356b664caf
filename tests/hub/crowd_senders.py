"""A process that talks to the room in all the ways of code outside casgi, until its input ends.

Each sender has a name, and counts. In the end it says on standard output how far it has come.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

PADDING = "x" * 4000


def talk(name: str, send: Callable[[dict[str, Any]], None], has_ended: Callable[[], bool]) -> None:
    """Send numbers, one after the other."""
    from casgi.hub import HubUnavailable

    number = 0
    while not has_ended():
        try:
            send({"type": "said", "sender": name, "number": number, "padding": PADDING})
            number += 1
        except HubUnavailable:
            name, number = f"{name}'", 0  # nobody knows whether that one has arrived
    sys.stdout.write(f"{name} {number}\n")
    sys.stdout.flush()


def fork(layer: Any, name: str, read: int, write: int) -> int:
    """Have a child talk until nobody has the pipe's end for writing; return its PID."""
    child = os.fork()
    if child != 0:
        return child
    os.close(write)
    os.set_blocking(read, False)

    def has_ended() -> bool:
        try:
            return os.read(read, 1) == b""
        except BlockingIOError:
            return False

    code = 1
    try:
        talk(name, plainly(layer), has_ended)
        code = 0
    finally:
        os._exit(code)


def plainly(layer: Any) -> Callable[[dict[str, Any]], None]:
    """Return what sends by a plain call."""
    return lambda message: layer.sync.group_send("room", message)


def by_a_loop_each(layer: Any) -> Callable[[dict[str, Any]], None]:
    """Return what sends by an event loop for each message, as tasks do."""
    return lambda message: asyncio.run(layer.group_send("room", message))


def main() -> None:
    """Talk from forked children, threads, and with an event loop for each message."""
    import django

    django.setup()
    from channels.layers import get_channel_layer

    layer = get_channel_layer()
    layer.sync.group_send("nobody", {"type": "said"})  # the children inherit a connection
    read, write = os.pipe()
    children = [fork(layer, f"child{number}", read, write) for number in range(2)]
    end = threading.Event()
    ways = {"thread0": plainly, "thread1": plainly, "loops": by_a_loop_each}
    threads = [
        threading.Thread(target=talk, args=(name, way(layer), end.is_set))
        for name, way in ways.items()
    ]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    end.set()
    for thread in threads:
        thread.join()
    os.close(write)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * len(children)


if __name__ == "__main__":
    main()
