"""Ports for the servers of the tests, which nobody else takes between the choice and the start.

A port that the kernel gives out is free only until it gives it out again: to a server of another
test that binds port 0, or to any client that connects. So these lie below the kernel's range, and
each process of the tests takes a block of them for itself. The name that says so is an abstract
socket's: the kernel forgets it with the process.
"""

import itertools
import os
import socket
from collections.abc import Iterator
from pathlib import Path

FIRST = 12_000
BLOCK = 50
KERNELS_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")

_own: dict[int, tuple[socket.socket, Iterator[int]]] = {}
"""The process that took a block: what holds it, and its ports, round and round."""


def free_port() -> int:
    """Return a port of the loopback address that nobody else listens on, nor will.

    Raises AssertionError when no block is left, or no port of this process's own is free.
    """
    process = os.getpid()
    if process not in _own:
        _own[process] = _take_block()
    for port in itertools.islice(_own[process][1], BLOCK):
        if _is_free(port):
            return port
    raise AssertionError(f"all {BLOCK} ports of this process are in use")


def _take_block() -> tuple[socket.socket, Iterator[int]]:
    end = int(KERNELS_RANGE.read_text().split()[0])
    for first in range(FIRST, end - BLOCK + 1, BLOCK):
        holder = socket.socket(socket.AF_UNIX)
        try:
            holder.bind(f"\0casgi-test-ports-{first}")
        except OSError:
            holder.close()
        else:
            return holder, itertools.cycle(range(first, first + BLOCK))
    raise AssertionError(f"no block of {BLOCK} ports is free between {FIRST} and {end}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
