"""The pairs of sockets by which connections are passed, as the supervisor uses them."""

import os
import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from casgi.supervisor.socket_pairs import SocketPairs
from casgi.supervisor.workers import Workers

NUMBER = b"\1\0\0\0"


@pytest.fixture
def pairs() -> Iterator[SocketPairs]:
    pairs = SocketPairs(3)
    yield pairs
    pairs.close()


@pytest.fixture
def connection() -> Iterator[socket.socket]:
    with socket.socket() as connection:
        yield connection


def put(pairs: SocketPairs, seat: int, connection: socket.socket) -> bool:
    """Send a connection to a seat as a worker does; return whether there was room."""
    with socket.socket(fileno=os.dup(pairs.sending()[seat])) as end:
        part = (socket.SOL_SOCKET, socket.SCM_RIGHTS, connection.fileno().to_bytes(4, "little"))
        try:
            end.sendmsg([NUMBER], [part], socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        return True


def take(pairs: SocketPairs, seat: int) -> list[tuple[bytes, int]]:
    """Return what waits for a seat: the number, and which file it is, of each."""
    taken = []
    with socket.socket(fileno=os.dup(pairs.receiving(seat))) as end:
        while seat in pairs.full():
            number, descriptors, _, _ = socket.recv_fds(end, 16, 1)
            taken.append((number, os.fstat(descriptors[0]).st_ino))
            os.close(descriptors[0])
    return taken


def test_what_waits_is_dealt_by_turns(pairs, connection):
    for _ in range(4):
        put(pairs, 0, connection)
    pairs.share_out(0, [1, 2])
    sent = (NUMBER, os.fstat(connection.fileno()).st_ino)
    assert [take(pairs, seat) for seat in range(3)] == [[], [sent] * 2, [sent] * 2]


def test_what_has_no_room_waits(pairs, connection):
    """And the supervisor does not: a worker that stands still may never read."""
    while put(pairs, 1, connection):
        pass
    for _ in range(3):
        put(pairs, 0, connection)
    pairs.share_out(0, [1])
    assert len(take(pairs, 0)) == 3
    put(pairs, 0, connection)
    pairs.share_out(0, [1, 2])
    assert [len(take(pairs, seat)) for seat in (0, 2)] == [0, 1]


def test_nothing_waits(pairs):
    """A worker that leaves may have taken what there was."""
    pairs.share_out(0, [1])
    assert pairs.full() == set()


def test_descriptors_are_not_kept(pairs, connection):
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        put(pairs, 0, connection)
        pairs.share_out(0, [1])
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_was_dealt_does_not_count_as_on_its_way(pairs, connection):
    """Or the next worker of the seat would be taken for fuller than it is."""
    forgotten: list[int] = []
    scoreboard = SimpleNamespace(forget_passed=forgotten.append)
    workers: Any = SimpleNamespace(
        _socket_pairs=pairs,
        _there=[SimpleNamespace(seat=1)],
        _serves=lambda worker: True,
        slots=SimpleNamespace(scoreboard=scoreboard),
    )
    Workers.share_out(workers)
    assert forgotten == []
    put(pairs, 0, connection)
    Workers.share_out(workers)
    assert forgotten == [0]
    while put(pairs, 1, connection):
        pass
    put(pairs, 2, connection)
    Workers.share_out(workers)
    assert forgotten == [0]
