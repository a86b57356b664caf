"""A server with no descriptor left: clients wait, the log says what to do, nobody is lost."""

import os
import re
import resource
import socket
from pathlib import Path

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def descriptors(pid: int) -> set[int]:
    """Return those that a process has open."""
    return {int(name) for name in os.listdir(Path("/proc", str(pid), "fd"))}


def test_clients_wait_for_a_descriptor_and_the_log_says_so(casgi):
    process = casgi("-p", "0", "served:hello")
    port = process.port()
    limit, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    lowered = max(descriptors(process.pid)) + 1
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (lowered, hard))
    clients = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(lowered)]
    for client in clients:
        client.sendall(REQUEST)
    process.stderr.wait_for("No connection can be accepted")
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (limit, hard))
    for client in clients:
        with client, client.makefile("rb") as answer:
            assert answer.read().endswith(b"hello")
    assert process.stop() == 0
    said = [line for line in process.stderr.lines() if "No connection can be accepted" in line]
    assert len(said) == 1
    assert re.search(
        rf"all of the {lowered} descriptors .*LimitNOFILE= .*ulimit -n.* --max-connections$",
        said[0],
    )
