"""Two casgi workers, daphne, runworker and scripts at one hub: all hear each other."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_process import HubProcess
from support.ports import free_port
from support.server_process import ServerProcess
from support.ws import WebSocketClient

FOLDER = Path(__file__).parent
DEADLINE = 30.0
SCRIPT = """
import sys, django
django.setup()
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
method, target, kind, text = sys.argv[1:]
async_to_sync(getattr(get_channel_layer(), method))(target, {"type": kind, "text": text})
"""


class Project:
    """The processes of one project at one hub."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hub = HubProcess(str(folder / "hub"))
        self.environment = {name: text for name, text in os.environ.items() if "CASGI" not in name}
        self.environment.update(
            PYTHONPATH=os.pathsep.join([str(FOLDER), *(path for path in sys.path if path)]),
            DJANGO_SETTINGS_MODULE="chat_settings",
            CASGI_HUB=self.hub.path,
            CASGI_HUB_SILENCE=os.environ["CASGI_HUB_SILENCE"],
        )

    def server(self, name: str, number: int = 0) -> ServerProcess:
        """Return a server that `with` starts."""
        port = free_port()
        command = [sys.executable, "-m", name, "-b", "127.0.0.1", "-p", str(port)]
        command += ["chat_application:application"]
        log = self.folder / f"{name}{number}.log"
        return ServerProcess(command, port, log, FOLDER, self.environment)

    @contextlib.contextmanager
    def worker(self) -> Iterator[None]:
        """Run runworker."""
        command = [sys.executable, "-m", "django", "runworker", "worker"]
        with (self.folder / "worker.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=FOLDER, env=self.environment, stdout=log, stderr=log
            )
        try:
            yield
        finally:
            process.kill()
            process.wait()

    def script(self, method: str, target: str, kind: str, text: str = "") -> None:
        """Run a script that calls a method of the layer, as a Celery task would."""
        command = [sys.executable, "-c", SCRIPT, method, target, kind, text]
        subprocess.run(command, cwd=FOLDER, env=self.environment, check=True, timeout=60)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose hub runs."""
    project = Project(tmp_path_factory.mktemp("project"))
    with project.hub:
        yield project


@pytest.fixture(scope="module")
def servers(project: Project) -> Iterator[list[ServerProcess]]:
    """Two workers of casgi."""
    with project.server("casgi", 1) as one, project.server("casgi", 2) as other:
        yield [one, other]


def enter(server: ServerProcess, path: str = "/") -> WebSocketClient:
    """Return somebody who is in the room."""
    client = WebSocketClient(socket.create_connection(("127.0.0.1", server.port), DEADLINE))
    client.handshake(path)
    return client


def test_everybody_hears_everybody(project: Project, servers: list[ServerProcess]) -> None:
    assert "HubChannelLayer" in servers[0].log_text()
    with contextlib.ExitStack() as stack:
        daphne = stack.enter_context(project.server("daphne"))
        people = [stack.enter_context(enter(one)) for one in (*servers, servers[0], daphne)]
        project.script("send", "worker", "worker.join")  # waits until the worker comes
        stack.enter_context(project.worker())
        for client in people:
            assert client.read_text() == "the worker is here"

        def all_hear(text: str) -> None:
            for client in people:
                expected = {text, f"the worker heard: {text}"}
                assert {client.read_text(), client.read_text()} == expected

        project.script("group_send", "room", "said", "from the script")
        all_hear("from the script")
        for number, client in enumerate(people):
            client.send_text(f"say {number}")
            all_hear(str(number))
        names = []
        for client in people:
            client.send_text("name")
            names.append(client.read_text())
        for sender in people:
            for name, receiver in zip(names, people, strict=True):
                sender.send_text(f"tell {name}")
                assert receiver.read_text() == "psst"
        people[0].send_text(f"bring {names[1]}")
        assert people[1].read_text() == "in the cellar"
        people[3].send_text(f"bring {names[0]}")
        assert {people[0].read_text(), people[1].read_text()} == {"in the cellar"}
        project.script("send", names[3], "said", "to you alone")
        assert people[3].read_text() == "to you alone"


def test_groups_without_channels(servers: list[ServerProcess]) -> None:
    with enter(servers[0], "/plain") as ada, enter(servers[1], "/plain") as ben:
        assert ada.read_text() == ben.read_text() == "joined"
        for sender, text in ((ada, "from Ada"), (ben, "from Ben"), (ada, "x" * 300_000)):
            sender.send_text(text)
            assert ada.read_text() == ben.read_text() == text


def test_too_many_plain_calls_on_the_servers_loop_raise(servers: list[ServerProcess]) -> None:
    with enter(servers[0]) as client:
        client.send_text("flood")
        assert "HubUnavailable" in client.read_text()
        client.send_text("say still here")
        assert client.read_text() == "still here"


def test_a_worker_that_is_killed_takes_its_own(
    project: Project, servers: list[ServerProcess]
) -> None:
    with enter(servers[0]) as ada, project.server("casgi", 3) as dying:
        with enter(dying) as eve:
            eve.send_text("say hello")
            assert ada.read_text() == eve.read_text() == "hello"
            dying.kill()
        ada.send_text("say still here")
        assert ada.read_text() == "still here"
        dying.start()
        with enter(dying) as eve:
            ada.send_text("say again")
            assert ada.read_text() == eve.read_text() == "again"


def test_a_hub_that_is_silent(project: Project, servers: list[ServerProcess]) -> None:
    with enter(servers[0]) as ada, enter(servers[1]) as ben:
        project.hub.send_signal(signal.SIGSTOP)
        # For a moment after the last answer others are not waited for: those count as sent.
        deadline = time.monotonic() + DEADLINE
        ada.send_text("try one")
        while (text := ada.read_text()) != "unavailable":
            assert text == "one" and time.monotonic() < deadline
            ada.send_text("try one")
        project.hub.send_signal(signal.SIGCONT)
        while ada.read_text() != "gap":
            pass  # who is here has what was not sent elsewhere
        ben.send_text("say back")
        while ben.read_text() != "back":
            pass
        assert ada.read_text() == "back"


def test_a_server_is_the_hub_when_that_has_gone(
    project: Project, servers: list[ServerProcess]
) -> None:
    path = Path(project.hub.path)
    with enter(servers[0]) as ada, enter(servers[1]) as ben, enter(servers[0], "/plain") as eve:
        assert eve.read_text() == "joined"
        path.rename(path.with_name("kept"))
        path.touch()  # nobody makes a hub in its place
        project.hub.kill()
        eve.send_text("nobody else hears it")
        assert eve.read_text() == "nobody else hears it"
        assert "the hub is unavailable" in eve.read_text()
        ada.send_text("try nobody hears it")
        assert ada.read_text() == "unavailable"
        path.unlink()
        assert ada.read_text() == ben.read_text() == "gap"
        ada.send_text("say back")
        assert ada.read_text() == ben.read_text() == "back"
        assert "The hub is away" in servers[0].log_text()
        assert "The hub is back" in servers[0].log_text()
