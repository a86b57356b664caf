"""Casgi on two hosts at one Redis: one with workers, one a single process."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.ports import free_port
from support.redis_server import RedisServer
from support.server_process import ServerProcess
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

FOLDER = Path(__file__).parent
SECONDS = 60.0

pytestmark = pytest.mark.timeout(240)


class Host(ServerProcess):
    """One host's casgi."""

    def __init__(self, name: str, redis: str, folder: Path, *options: str) -> None:
        port = free_port()
        environment = {key: text for key, text in os.environ.items() if "CASGI" not in key}
        environment |= {
            "PYTHONPATH": os.pathsep.join([str(FOLDER), *(path for path in sys.path if path)]),
            "DJANGO_SETTINGS_MODULE": "site_settings",
            "SITE_REDIS": redis,
            "CASGI_HUB_SILENCE": os.environ["CASGI_HUB_SILENCE"],
        }
        command = [sys.executable, "-m", "casgi", "-b", "127.0.0.1", "-p", str(port), *options]
        command += ["site_application:application"]
        super().__init__(command, port, folder / f"{name}.log", FOLDER, environment)

    def visit(self, stack: ExitStack) -> tuple[ClientConnection, int]:
        """Return a WebSocket in the room, and the process that serves it."""
        url = f"ws://127.0.0.1:{self.port}/"
        client = stack.enter_context(connect(url, open_timeout=SECONDS, close_timeout=5))
        word, process = str(client.recv(timeout=SECONDS)).split()
        assert word == "process"
        return client, int(process)


@pytest.fixture(scope="module")
def hosts(redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Host]]:
    folder = tmp_path_factory.mktemp("hosts")
    options = ("--workers", "2", "--linger", "0.5", "--drain", "0")
    with Host("workers", redis.url, folder, *options) as first:
        with Host("process", redis.url, folder) as second:
            yield [first, second]
            second.stop()
        first.stop()


def say_and_hear(clients: list[ClientConnection], text: str) -> None:
    for index, client in enumerate(clients):
        client.send(f"{text} {index}")
        for listener in clients:
            assert listener.recv(timeout=SECONDS) == f"{text} {index}"


def test_room_of_both_hosts_over_a_reload(hosts: list[Host]) -> None:
    workers, process = hosts
    with ExitStack() as stack:
        visits = [workers.visit(stack)]
        while len({number for _, number in visits}) < 2:
            visits.append(workers.visit(stack))
        there, _ = process.visit(stack)
        old = [client for client, _ in visits]
        say_and_hear([*old, there], "before")
        os.kill(workers.pid, signal.SIGHUP)
        for client in old:
            with pytest.raises(ConnectionClosed) as closed:
                client.recv(timeout=SECONDS)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
        new = [workers.visit(stack)[0] for _ in range(4)]
        say_and_hear([*new, there], "after")
