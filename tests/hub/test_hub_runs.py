"""What handlers have come to in one process spares the others, and nobody gets anything else."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_process import HubProcess
from support.ports import free_port
from support.server_process import ServerProcess
from support.ws import WebSocketClient

FOLDER = Path(__file__).parent
DEADLINE = 30.0
MUCH = 40_000
ROUNDS = 100


class Rooms:
    """Two processes of the application, `ada` and `ben`, with people in each."""

    def __init__(self, servers: dict[str, ServerProcess], stack: contextlib.ExitStack) -> None:
        self._servers, self._stack = servers, stack
        self.people = {name: [self.enter(name), self.enter(name)] for name in servers}

    def enter(self, name: str, path: str = "/") -> WebSocketClient:
        """Return somebody more in one of the processes."""
        port = self._servers[name].port
        client = WebSocketClient(socket.create_connection(("127.0.0.1", port), DEADLINE))
        self._stack.enter_context(client)
        client.handshake(path)
        return client

    def ask(self, name: str, command: str) -> str:
        """Return what a process answers to a command."""
        client = self.people[name][1]
        client.send_text(command)
        return client.read_text()

    def say(self, name: str, kind: str, text: str) -> dict[str, list[str]]:
        """Have the first of a process say it; return what is heard in each process."""
        self.people[name][0].send_text(f"say {kind} {text}")
        return self.heard()

    def heard(self) -> dict[str, list[str]]:
        """Return the next text of everybody."""
        return {name: [one.read_text() for one in them] for name, them in self.people.items()}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ServerProcess]]:
    """Two processes of one application at one hub."""
    folder = tmp_path_factory.mktemp("runs")
    with contextlib.ExitStack() as stack:
        hub = stack.enter_context(HubProcess(str(folder / "hub")))
        started = {}
        for seed, name in enumerate(("ada", "ben")):
            environment = {key: text for key, text in os.environ.items() if "CASGI" not in key}
            environment.update(
                PYTHONPATH=os.pathsep.join([str(FOLDER), *(path for path in sys.path if path)]),
                DJANGO_SETTINGS_MODULE="chat_settings",
                CASGI_HUB=hub.path,
                OWN=name,
                PYTHONHASHSEED=str(seed),
            )
            port = free_port()
            command = [sys.executable, "-m", "casgi", "-b", "127.0.0.1", "-p", str(port)]
            command += ["runs_application:application"]
            log = folder / f"{name}.log"
            server = ServerProcess(command, port, log, FOLDER, environment)
            started[name] = stack.enter_context(server)
        yield started


@pytest.fixture
def rooms(servers: dict[str, ServerProcess]) -> Iterator[Rooms]:
    """The rooms, with two people in each process."""
    with contextlib.ExitStack() as stack:
        yield Rooms(servers, stack)


def both(text: str) -> dict[str, list[str]]:
    """Return what is heard when everybody hears the same."""
    return {"ada": [text] * 2, "ben": [text] * 2}


@pytest.mark.parametrize(("sender", "other"), [("ada", "ben"), ("ben", "ada")])
def test_a_handler_that_ran_in_one_process_does_not_run_in_the_other(
    rooms: Rooms, sender: str, other: str
) -> None:
    for _ in range(ROUNDS):  # until the other has looked at it, for a member that was idle
        rooms.say(sender, "plain", "first")
        if (count := rooms.ask(other, "count plain")) != "0":
            break
    for i in range(5):
        assert rooms.say(sender, "plain", f"{i} é") == both(json.dumps({"text": f"{i} é"}))
        assert rooms.ask(other, "count plain") == count


def test_what_a_process_has_for_itself_stays_there(rooms: Rooms) -> None:
    for sender in ("ada", "ben", "ada"):
        expected = {name: [f"{name}: word"] * 2 for name in ("ada", "ben")}
        assert rooms.say(sender, "signed", "word") == expected
        assert rooms.say(sender, "promised", "word") == expected


def test_what_changes_while_it_runs_is_seen(rooms: Rooms) -> None:
    assert rooms.say("ada", "greeted", "you") == both("hello you")
    assert rooms.say("ada", "greeted", "you") == both("hello you")
    rooms.ask("ben", "greet goodbye")
    for sender in ("ada", "ben", "ada"):
        expected = {"ada": ["hello all"] * 2, "ben": ["goodbye all"] * 2}
        assert rooms.say(sender, "greeted", "all") == expected
    rooms.ask("ada", "greet goodbye")
    for sender in ("ada", "ben", "ada"):
        assert rooms.say(sender, "greeted", "again") == both("goodbye again")
    for name in rooms.people:
        rooms.ask(name, "greet hello")


def test_a_consumer_with_a_send_of_its_own_uses_it(rooms: Rooms) -> None:
    rooms.say("ada", "greeted", "you")
    rooms.ask("ben", "shout now")
    expected = {"ada": ["hello you"] * 2, "ben": ["hello you", "HELLO YOU!"]}
    for sender in ("ada", "ben", "ada"):
        assert rooms.say(sender, "greeted", "you") == expected


def test_each_member_gets_what_belongs_to_its_own(rooms: Rooms) -> None:
    for _ in range(3):
        heard = rooms.say("ada", "others", "it")
        assert heard == {"ada": ["I said it", "they said it"], "ben": ["they said it"] * 2}
        heard = rooms.say("ben", "others", "it")
        assert heard == {"ada": ["they said it"] * 2, "ben": ["I said it", "they said it"]}


def test_several_frames_and_none(rooms: Rooms) -> None:
    for sender in ("ada", "ben", "ada"):
        assert rooms.say(sender, "thrice", "é") == both("é one")
        for them in rooms.people.values():
            assert [one.read_binary() for one in them] == [b"two\xff"] * 2
        assert rooms.heard() == both("drei \N{GREEK SMALL LETTER GAMMA}")
        rooms.people[sender][0].send_text("say silent no")
        assert rooms.say(sender, "silent", "speak") == both("spoken")


@pytest.mark.parametrize("text", ["x" * MUCH, "\x01" * (MUCH // 2)], ids=["much", "more as JSON"])
def test_much(rooms: Rooms, text: str) -> None:
    for sender in ("ada", "ben", "ada"):
        assert rooms.say(sender, "plain", text) == both(json.dumps({"text": text}))


def test_each_class_has_its_own(rooms: Rooms) -> None:
    below = {name: rooms.enter(name, "/cellar") for name in rooms.people}
    for sender in ("ada", "ben", "ada"):
        assert rooms.say(sender, "plain", "word") == both(json.dumps({"text": "word"}))
        assert {one.read_text() for one in below.values()} == {"below: word"}
    below["ben"].send_text("say plain up")
    assert rooms.heard() == both(json.dumps({"text": "up"}))
    assert {one.read_text() for one in below.values()} == {"below: up"}
