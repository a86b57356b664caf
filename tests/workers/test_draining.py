"""A worker that is replaced loses no request, and WebSockets get 1012."""

import asyncio
import os
import signal
import socket
from pathlib import Path

import pytest
from support.casgi_process import DEADLINE
from support.processes import wait_for_end
from traffic import HANDSHAKE, HEAD, SERVICE_RESTART, Traffic

# Of two workers each: `make reloads` takes more.
RELOADS = int(os.environ.get("RELOADS", "6"))
# Clients come back within 0.05 s, so that nobody waits for its end.
LINGER = ("--linger", "5", "--drain", "0.1", "--no-access-log")
REPLACED = "The workers were replaced$"
GROWTH = 2 * 1024 * 1024


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def memory(pid: int) -> int:
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


async def reload(site, times: range) -> None:
    for nth in times:
        site.signal(signal.SIGHUP)
        await asyncio.to_thread(site.stderr.wait_for, REPLACED, nth)


@pytest.mark.timeout(60 + 20 * RELOADS)
def test_reloads_lose_no_request_and_nothing_grows(start):
    site = start(*LINGER, "kept:tell_process")
    site.worker(2)

    async def run() -> Traffic:
        async with Traffic(site.port()) as traffic:
            warm = min(3, RELOADS)
            await reload(site, range(warm))
            before = descriptors(site.pid), memory(site.pid)
            await reload(site, range(warm, RELOADS))
            after = descriptors(site.pid), memory(site.pid)
        assert after[0] == before[0]
        assert after[1] - before[1] < GROWTH
        return traffic

    traffic = asyncio.run(run())
    assert traffic.failures == []
    assert set(traffic.closed_with) == {SERVICE_RESTART}
    assert set(traffic.answered) == {"_fresh", "_kept_alive", "_half_sent", "_silent", "_websocket"}
    assert site.stop() == 0
    assert not [line for line in site.stderr.lines() if "ERROR" in line]


def connect(site) -> tuple[socket.socket, int]:
    """Return a connection that is kept alive, and the PID of its worker."""
    client = socket.create_connection(("127.0.0.1", site.port()), timeout=DEADLINE)
    head, pid = ask(client)
    assert b"connection: close" not in head
    return client, pid


def ask(client: socket.socket) -> tuple[bytes, int]:
    """Return the head of the answer, and the PID in it."""
    client.sendall(HEAD)
    head, _, body = client.recv(4096).lower().partition(b"\r\n\r\n")
    return head, int(body)


def test_idle_connection_lingers_until_its_next_request(start):
    site = start("--linger", "1000", "kept:tell_process")
    site.worker(2)
    client, pid = connect(site)
    with client:
        os.kill(pid, signal.SIGTERM)
        site.stderr.wait_for("Leaving: another worker")
        head, answered_by = ask(client)
        assert b"connection: close" in head
        assert answered_by == pid
        assert client.recv(4096) == b""
    wait_for_end(pid)
    assert site.stop() == 0


def test_half_sent_head_lingers_until_it_is_whole(start):
    site = start("--linger", "1000", "kept:tell_process")
    site.worker(2)
    client, pid = connect(site)
    with client:
        client.sendall(HEAD[:10])
        os.kill(pid, signal.SIGTERM)
        site.stderr.wait_for("Leaving: another worker")
        client.sendall(HEAD[10:])
        head = client.recv(4096).lower()
        assert head.startswith(b"http/1.1 200")
        assert b"connection: close" in head
    assert site.stop() == 0


def test_linger_has_an_end(start):
    site = start("--linger", "0.2", "kept:tell_process")
    site.worker(2)
    client, _ = connect(site)
    with client:
        site.signal(signal.SIGHUP)
        site.stderr.wait_for(REPLACED)
        assert client.recv(4096) == b""
    assert site.stop() == 0


def test_stop_of_the_whole_server_waits_for_nobody_idle(start):
    site = start("--linger", "1000", "kept:tell_process")
    site.worker(2)
    client, _ = connect(site)
    with client:
        assert site.stop() == 0
        assert client.recv(4096) == b""


def test_stop_during_the_linger(start):
    site = start("--linger", "1000", "kept:tell_process")
    site.worker(2)
    client, pid = connect(site)
    with client:
        os.kill(pid, signal.SIGTERM)
        site.stderr.wait_for("Leaving: another worker")
        assert site.stop() == 0


def test_websockets_of_a_stop_get_1012(start):
    site = start("--drain", "0", "kept:tell_process")
    site.worker(2)
    clients = [
        socket.create_connection(("127.0.0.1", site.port()), timeout=DEADLINE) for _ in range(150)
    ]
    received = []
    for client in clients:
        client.sendall(HANDSHAKE)
        while b"\x81" not in client.recv(4096):
            pass
    site.signal(signal.SIGTERM)
    for client in clients:
        received.append(client.recv(4096))
        client.close()
    assert {each[:4] for each in received} == {b"\x88\x02" + SERVICE_RESTART.to_bytes(2, "big")}
    assert site.wait() == 0
