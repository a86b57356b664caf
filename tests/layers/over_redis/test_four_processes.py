"""casgi, daphne, runworker and a script, on one Redis and in one group: all hear each other.

The settings name an original layer. In casgi's process, and in no other, ours takes its place.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.ports import free_port
from support.redis_server import RedisServer
from support.server_process import ServerProcess
from support.ws import WebSocketClient

FOLDER = Path(__file__).parent
DEADLINE = 30.0
ORIGINALS = {
    "core": "channels_redis.core.RedisChannelLayer",
    "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer",
}
OURS = {
    "core": "casgi.channels.redis.core.RedisChannelLayer",
    "pubsub": "casgi.channels.redis.pubsub.RedisPubSubChannelLayer",
}
SCRIPT = """
import sys, django
django.setup()
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
method, target, kind, text = sys.argv[1:]
send = getattr(get_channel_layer(), method)
async_to_sync(send)(target, {"type": kind, "text": text})
"""


class Project:
    """The processes of one project."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.environment = environment
        self.folder = folder

    def server(self, name: str) -> ServerProcess:
        """Return a server that `with` starts."""
        port = free_port()
        command = [sys.executable, "-m", name, "-b", "127.0.0.1", "-p", str(port)]
        command += ["chat_application:application"]
        log = self.folder / f"{name}.log"
        return ServerProcess(command, port, log, FOLDER, self.environment)

    def worker(self) -> subprocess.Popen[bytes]:
        """Start runworker."""
        command = [sys.executable, "-m", "django", "runworker", "worker"]
        with (self.folder / "worker.log").open("wb") as log:
            return subprocess.Popen(
                command,
                cwd=FOLDER,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def script(self, method: str, target: str, kind: str, text: str = "") -> None:
        """Run a script that calls a method of the layer, as a Celery task would."""
        command = [sys.executable, "-c", SCRIPT, method, target, kind, text]
        subprocess.run(command, cwd=FOLDER, env=self.environment, check=True, timeout=60)


@pytest.fixture
def project(kind: str, redis: RedisServer, tmp_path: Path) -> Project:
    database = {"core": 1, "pubsub": 2}[kind]
    environment = {name: value for name, value in os.environ.items() if "CASGI" not in name}
    environment.update(
        PYTHONPATH=os.pathsep.join([str(FOLDER), *(path for path in sys.path if path)]),
        DJANGO_SETTINGS_MODULE="chat_settings",
        LAYER=ORIGINALS[kind],
        REDIS_URL=f"{redis.url}/{database}",
    )
    return Project(environment, tmp_path)


@pytest.fixture
def servers(project: Project) -> Iterator[dict[str, ServerProcess]]:
    """Both servers and the worker."""
    with ExitStack() as stack:
        worker = project.worker()
        stack.callback(worker.wait)
        stack.callback(worker.kill)
        yield {name: stack.enter_context(project.server(name)) for name in ("casgi", "daphne")}


def enter(server: ServerProcess) -> WebSocketClient:
    """Return somebody who is in the room."""
    connected = socket.create_connection(("127.0.0.1", server.port), DEADLINE)
    client = WebSocketClient(connected)
    client.handshake("/")
    return client


def call_worker(project: Project, clients: list[WebSocketClient]) -> None:
    """Have the worker join the room. Pub/sub loses what is sent before it listens."""
    for _ in range(20):
        project.script("send", "worker", "worker.join")
        if not clients[0].is_silent(0.5):
            break
    for client in clients:
        assert client.read_text() == "the worker is here"


def test_all_hear_each_other(
    kind: str, project: Project, servers: dict[str, ServerProcess]
) -> None:
    assert f"default is {OURS[kind]}" in servers["casgi"].log_text()
    with ExitStack() as stack:
        ada, ben = (stack.enter_context(enter(servers["casgi"])) for _ in range(2))
        dan, eve = (stack.enter_context(enter(servers["daphne"])) for _ in range(2))
        people = [ada, ben, dan, eve]
        call_worker(project, people)

        def all_hear(text: str) -> None:
            expected = {text, f"the worker heard: {text}"}
            for client in people:
                assert {client.read_text(), client.read_text()} == expected

        project.script("group_send", "room", "said", "from the script")
        all_hear("from the script")
        for client, text in ((ada, "from casgi"), (dan, "from daphne"), (ben, "from Ben")):
            client.send_text(f"say {text}")
            all_hear(text)

        names = []
        for client in people:
            client.send_text("name")
            names.append(client.read_text())
        for sender in (ada, dan):
            for name, receiver in zip(names, people, strict=True):
                sender.send_text(f"tell {name}")
                assert receiver.read_text() == "psst"
        for name, receiver in zip(names, people, strict=True):
            project.script("send", name, "said", "to you alone")
            assert receiver.read_text() == "to you alone"
