"""Connections are shared out evenly, and outlive a worker that they were passed to."""

import os
import selectors
import signal
import socket
from collections import Counter

import pytest
from support.casgi_process import DEADLINE

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
WORKERS = 4
# Each takes a descriptor here, and one in a worker.
CONNECTIONS = int(os.environ.get("BALANCE_CONNECTIONS", "800"))
BAR = 1.10


class Clients:
    """Connections that are kept open, each to the worker that has answered it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.open: list[socket.socket] = []

    def connect(self, count: int) -> list[socket.socket]:
        """Open connections, all of them before anything is sent."""
        made = []
        for _ in range(count):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", self.port))
            made.append(client)
        self.open += made
        return made

    def ask(self, clients: list[socket.socket]) -> Counter[int]:
        """Return how many of these each worker answers."""
        answered: Counter[int] = Counter()
        waiting = selectors.DefaultSelector()
        for client in clients:
            waiting.register(client, selectors.EVENT_WRITE)
        while waiting.get_map():
            ready = waiting.select(DEADLINE)
            assert ready, f"{len(waiting.get_map())} are not answered"
            for key, events in ready:
                client = key.fileobj
                assert isinstance(client, socket.socket)
                if events & selectors.EVENT_WRITE:
                    client.sendall(REQUEST)
                    waiting.modify(client, selectors.EVENT_READ)
                else:
                    answered[int(client.recv(4096).partition(b"\r\n\r\n")[2])] += 1
                    waiting.unregister(client)
        return answered

    def close(self) -> None:
        for client in self.open:
            client.close()
        self.open.clear()


@pytest.fixture
def site(start, tmp_path):
    # A worker that the machine holds up would be passed over meanwhile, as it is meant to be.
    options = ("--no-access-log", "--linger", "0.1", "--worker-busy-after", "0")
    variables = {"BROKEN": str(tmp_path / "broken")}
    site = start(*options, "kept:deployed()", workers=WORKERS, variables=variables)
    for number in range(WORKERS):
        site.worker(number + 1)
    yield site
    assert site.stop() == 0


@pytest.fixture
def clients(site):
    clients = Clients(site.port())
    yield clients
    clients.close()


def unevenness(answered: Counter[int]) -> float:
    """Return the largest share over the mean."""
    return max(answered.values()) / (sum(answered.values()) / WORKERS)


def test_storm_is_shared_out(clients):
    assert unevenness(clients.ask(clients.connect(CONNECTIONS))) <= BAR


def test_connections_one_after_the_other_are_shared_out(clients):
    answered: Counter[int] = Counter()
    for _ in range(CONNECTIONS // 4):
        answered += clients.ask(clients.connect(1))
    assert unevenness(answered) <= BAR


def test_reload_leaves_connections_shared_out(site, clients):
    clients.ask(clients.connect(CONNECTIONS))
    site.signal(signal.SIGHUP)
    site.stderr.wait_for("The workers were replaced$")
    clients.close()
    # As clients that come back to whoever serves.
    assert unevenness(clients.ask(clients.connect(CONNECTIONS))) <= BAR


def test_passed_connections_do_not_wait_for_the_next_worker(site, clients, tmp_path):
    """Which may be long in coming, or never come."""
    killed = site.worker(1)
    clients.ask(clients.connect(8))
    os.kill(killed, signal.SIGSTOP)
    waiting = clients.connect(50)
    (tmp_path / "broken").touch()
    os.kill(killed, signal.SIGKILL)
    assert clients.ask(waiting).total() == 50
    site.stderr.wait_for("RuntimeError: a broken release$")
    site.stderr.wait_for("Worker 1 is started again in")


def test_passed_connections_outlive_their_worker(site, clients):
    busy = site.worker(1)
    # It stands still with connections that were passed to it, and never reads them.
    clients.ask(clients.connect(8))
    os.kill(busy, signal.SIGSTOP)
    waiting = clients.connect(50)
    os.kill(busy, signal.SIGKILL)
    answered = clients.ask(waiting)
    assert sum(answered.values()) == 50
    assert busy not in answered
    assert site.worker(1, nth=1) != busy
