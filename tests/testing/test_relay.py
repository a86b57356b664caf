"""casgi.testing.Relay: slow, stopped and cut connections."""

from __future__ import annotations

import gc
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from casgi.testing import Relay

DEADLINE = 20.0


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """A TCP server that sends back what it gets, to its end."""

    def serve(connected: socket.socket) -> None:
        with connected:
            try:
                while data := connected.recv(65536):
                    connected.sendall(data)
            except ConnectionResetError:
                pass

    def accept() -> None:
        while True:
            try:
                connected, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=serve, args=(connected,)))
            threads[-1].start()

    threads: list[threading.Thread] = []
    listener = socket.create_server(("127.0.0.1", 0))
    accepting = threading.Thread(target=accept)
    accepting.start()
    yield listener.getsockname()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    accepting.join(DEADLINE)
    for thread in threads:
        thread.join(DEADLINE)
        assert not thread.is_alive(), "the relay has left a connection open"


def connect(relay: Relay) -> socket.socket:
    return socket.create_connection(("127.0.0.1", relay.port), DEADLINE)


def read(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (more := client.recv(size - len(data))):
        data += more
    return data


def test_passes_everything_on(echo: tuple[str, int]) -> None:
    data = bytes(range(256)) * 4096
    with Relay(*echo) as relay, connect(relay) as client:
        sending = threading.Thread(target=client.sendall, args=(data,))
        sending.start()
        assert read(client, len(data)) == data
        sending.join()
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
        assert relay.url == f"http://127.0.0.1:{relay.port}"
        assert relay + "/x" == relay.url + "/x"
        assert relay.ws_url == f"ws://127.0.0.1:{relay.port}"


def test_latency_is_there_in_each_direction(echo: tuple[str, int]) -> None:
    with Relay(*echo, latency=0.1) as relay, connect(relay) as client:
        begun = time.monotonic()
        client.sendall(b"ping")
        assert read(client, 4) == b"ping"
        assert time.monotonic() - begun >= 0.2


def test_bandwidth_is_the_most_that_passes(echo: tuple[str, int]) -> None:
    with Relay(*echo) as relay, connect(relay) as client:
        relay.bandwidth = 20_000
        begun = time.monotonic()
        client.sendall(bytes(10_000))
        assert len(read(client, 10_000)) == 10_000
        assert time.monotonic() - begun >= 0.4


def test_pause_and_resume(echo: tuple[str, int]) -> None:
    with Relay(*echo) as relay, connect(relay) as client:
        relay.pause()
        client.sendall(b"kept")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(1)
        relay.resume()
        client.settimeout(DEADLINE)
        assert read(client, 4) == b"kept"

    with Relay(*echo) as relay:
        with connect(relay) as client:
            client.sendall(b"ping")
            assert read(client, 4) == b"ping"
            relay.cut()
            with pytest.raises(ConnectionResetError):
                client.recv(1)
        with connect(relay) as client:
            client.sendall(b"ping")
            assert read(client, 4) == b"ping"


def test_server_that_is_not_there() -> None:
    with socket.socket() as taken:  # by who does not listen
        taken.bind(("127.0.0.1", 0))
        relayed = Relay(*taken.getsockname())
        # The relay may have closed it before connect() looks.
        with relayed as relay, pytest.raises(ConnectionResetError), connect(relay) as client:
            client.recv(1)


def test_stop_while_paused(echo: tuple[str, int]) -> None:
    with Relay(*echo) as relay:
        relay.pause()
        client = connect(relay)
        client.sendall(b"lost")
    with client, pytest.raises(ConnectionResetError):
        client.recv(1)


def test_stop_while_clients_come(echo: tuple[str, int], caplog: pytest.LogCaptureFixture) -> None:
    """Whatever has begun is ended: asyncio complains of tasks and callbacks that are left."""
    gc.collect()  # of what other tests have left it complains now
    caplog.clear()
    for number in range(60):
        with Relay(*echo) as relay:
            clients = [socket.socket() for _ in range(1 + number % 8)]
            for client in clients:
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", relay.port))
        for client in clients:
            client.close()
    gc.collect()
    assert caplog.messages == []
