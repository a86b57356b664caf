"""`python -m bench.costs`: what a plan needs besides the scenarios' figures.

The memory of a membership of a group, in resident bytes; what the kernel keeps for a connection, by
the sizes in /proc/slabinfo, which only root may read; and what Redis uses for a message between
hosts, in microseconds of its own CPU, when one host and when ten hosts are subscribed.
"""

import gc
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.process import free_port
from casgi import _core

MEMBERSHIPS = 1_000_000
MEMBERS = 1_000
MESSAGES = 50_000
BATCH = 500
BYTES = 300
HOSTS = (1, 10)
KERNEL_OBJECTS = ("TCP", "sock_inode_cache", "filp", "dentry", "eventpoll_epi")
SECONDS = 30.0


def bytes_of_membership() -> float:
    """Return how much a process grows for a membership of channels that are there already."""
    table = _core.ChannelTable(lambda name: 0, lambda waiter: None, 60, 86400)
    names = [f"specific.channel!{number:032x}" for number in range(MEMBERS)]
    for name in names:
        table.add("first", name)
    gc.collect()
    before = _resident()
    for number in range(MEMBERSHIPS // MEMBERS):
        group = f"room.{number}"
        for name in names:
            table.add(group, name)
    return (_resident() - before) / MEMBERSHIPS


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def kernel_bytes_of_connection() -> int:
    """Return the sizes of what the kernel makes for a connection on which nothing waits."""
    lines = Path("/proc/slabinfo").read_text().splitlines()
    sizes = {words[0]: int(words[3]) for words in map(str.split, lines[2:])}
    return sum(sizes[name] for name in KERNEL_OBJECTS)


def redis_us_per_message(hosts: int) -> float:
    """Return the CPU of Redis for a message that so many hosts are subscribed to."""
    with _redis() as (process, port):
        subscribers = [_subscribed(port) for _ in range(hosts)]
        publisher = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        command = _command(b"PUBLISH", b"channel", b"m" * BYTES)
        message = _command(b"message", b"channel", b"m" * BYTES)
        before = _cpu(process)
        for _ in range(MESSAGES // BATCH):
            publisher.sendall(command * BATCH)
            _read(publisher, len(b":%d\r\n" % hosts) * BATCH)
            for subscriber in subscribers:
                _read(subscriber, len(message) * BATCH)
        used = _cpu(process) - before
        for opened in (publisher, *subscribers):
            opened.close()
    return used / MESSAGES * 1e6


@contextmanager
def _redis() -> Iterator[tuple[int, int]]:
    """Run a server; yield its process and its port."""
    program = shutil.which("redis-server")
    if program is None:
        sys.exit("bench.costs: there is no redis-server")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as process:
            try:
                _wait_for(port)
                yield process.pid, port
            finally:
                process.terminate()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _subscribed(port: int) -> socket.socket:
    opened = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
    opened.sendall(_command(b"SUBSCRIBE", b"channel"))
    _read(opened, len(_command(b"subscribe", b"channel")) + len(b":1\r\n"))
    return opened


def _command(*words: bytes) -> bytes:
    """Return words as RESP has them, in which messages of pub/sub come too."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(w), w) for w in words)


def _read(opened: socket.socket, size: int) -> None:
    while size > 0:
        size -= len(opened.recv(min(size, 1 << 20)))


def _cpu(process: int) -> float:
    """Return the seconds that a process has used."""
    text = Path(f"/proc/{process}/stat").read_text()
    user, system = re.sub(r".*\)", "", text).split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Print the figures."""
    print(f"membership: {bytes_of_membership():,.0f} bytes (groups of {MEMBERS} members)")
    try:
        print(f"kernel: {kernel_bytes_of_connection():,} bytes a connection")
    except OSError as error:
        print(f"kernel: not known, {error}")
    for hosts in HOSTS:
        used = redis_us_per_message(hosts)
        print(f"redis: {used:.2f} us a message (hosts {hosts}, bytes {BYTES})")


if __name__ == "__main__":
    main()
