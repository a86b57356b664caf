"""The Channels project served by a server's own command line, and clients for it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.ports import free_port
from support.raw import RawClient, Response, request
from support.server_process import ServerProcess
from support.ws import WebSocketClient

PROJECT = Path(__file__).parent / "project"
DEADLINE = 30.0
SERVERS = ("daphne", "casgi")

Answers = dict[str, Any]
Ask = Callable[[Callable[[Any], Any], list[Any]], Answers]
"""The fixture `ask`: puts one check to every server."""
ORIGIN = "Origin: http://test"


def prepare_database(folder: Path) -> None:
    """Make the project's database with two users."""
    code = (
        "import django; django.setup()\n"
        "from django.core.management import call_command\n"
        "call_command('migrate', verbosity=0)\n"
        "from django.contrib.auth.models import User\n"
        "User.objects.create_user('ada', password='lovelace')\n"
        "User.objects.create_user('bob', password='builder')\n"
    )
    command = [sys.executable, "-c", code]
    subprocess.run(command, cwd=PROJECT, env=environment(folder), check=True, timeout=60)


def environment(folder: Path, redis_url: str | None = None) -> dict[str, str]:
    """Return the environment of a process of the project."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("CASGI_")}
    ours["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    ours.update(SITE_FOLDER=str(folder), DJANGO_SETTINGS_MODULE="site_of_tests.settings")
    ours.update({"REDIS_URL": redis_url} if redis_url else {})
    return ours


class Site(ServerProcess):
    """One server process with the project, and its clients."""

    def __init__(self, server: str, folder: Path, *options: str, redis_url: str | None = None):
        port = free_port()
        command = [sys.executable, "-m", server, "-b", "127.0.0.1", "-p", str(port)]
        command += [*options, "site_of_tests.asgi:application"]
        log = folder / f"{server}-{port}.log"
        super().__init__(command, port, log, PROJECT, environment(folder, redis_url))
        self.server = server

    def _connected(self, receive_buffer: int | None) -> socket.socket:
        connected = socket.socket()
        if receive_buffer is not None:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connected.settimeout(DEADLINE)
        connected.connect(("127.0.0.1", self.port))
        return connected

    def connect(self, receive_buffer: int | None = None) -> RawClient:
        """Return a new connection."""
        return RawClient(self._connected(receive_buffer))

    def websocket_connect(self, receive_buffer: int | None = None) -> WebSocketClient:
        """Return a new connection for a WebSocket, without a handshake."""
        return WebSocketClient(self._connected(receive_buffer))

    def websocket(self, target: str, *headers: str) -> WebSocketClient:
        """Return an accepted WebSocket."""
        client = self.websocket_connect()
        client.handshake(target, headers=[ORIGIN, *headers])
        return client

    def ask(self, data: bytes, method: str = "GET") -> Response:
        """Return the response to a request on a connection of its own."""
        with self.connect() as client:
            client.offer(data)
            return client.read_response(method)

    def get(self, target: str, *headers: str) -> Response:
        """Return the response to a GET."""
        return self.ask(request(target, headers=headers))

    def leaves_silent(self, client: RawClient) -> bool:
        """Whether nothing comes, where that is what daphne does: casgi's answer is waited for."""
        return client.is_silent(1.8 if self.server == "daphne" else DEADLINE)

    def journal(self, key: str, count: int = 1, patience: float = DEADLINE) -> list[Any]:
        """Return the entries under `key` as soon as there are so many, or when patience ends."""
        stop = time.monotonic() + patience
        while True:
            entries: list[Any] = json.loads(self.get(f"/journal/{key}/").body)
            if len(entries) >= count or time.monotonic() > stop:
                return entries
            time.sleep(0.02)

    def first_line(self, data: bytes) -> bytes:
        """Return the status line that answers these bytes; nothing when there is none."""
        with self.connect() as client:
            client.offer(data)
            return client.read_to_end().partition(b"\r\n")[0]


def new_key() -> str:
    """Return a key for the journal."""
    return uuid.uuid4().hex


@contextmanager
def site(
    server: str, database: Path, folder: Path, *options: str, redis_url: str | None = None
) -> Iterator[Site]:
    """Serve the project with a copy of the database, and end the server."""
    own = folder / f"{server}-{new_key()[:8]}"
    own.mkdir()
    shutil.copy(database / "db.sqlite3", own)
    with Site(server, own, *options, redis_url=redis_url) as served:
        yield served
