"""The connections of a consumer, served by a command line as users have it."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.ports import free_port
from support.server_process import ServerProcess
from support.ws import WebSocketClient

Settings = dict[str, Any]
Ask = Callable[[str], Any]
Serve = Callable[..., Ask]
PATIENCE = 20.0
SERVERS = {
    "casgi": ["casgi"],
    "casgi-original": ["casgi", "--no-accelerate"],
    "daphne": ["daphne"],
}


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serve with a database; give a function that puts questions to a consumer."""
    with ExitStack() as stack:

        def start(server: str, database: Settings) -> Ask:
            port = free_port()
            command = [sys.executable, "-m", *SERVERS[server], "-b", "127.0.0.1"]
            command += ["-p", str(port), "served:application"]
            environment = {**os.environ, "DATABASE": json.dumps(database, default=str)}
            environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
            process = ServerProcess(
                command, port, tmp_path / "log", Path(__file__).parent, environment
            )
            stack.enter_context(process)
            assert (" accelerated:" in process.log_text()) == (server == "casgi")
            client = stack.enter_context(
                WebSocketClient(socket.create_connection(("127.0.0.1", port), PATIENCE))
            )
            client.handshake("/")

            def ask(question: str) -> Any:
                client.send_text(json.dumps(question))
                return json.loads(client.read_text())

            return ask

        yield start


@pytest.mark.parametrize("server", SERVERS)
def test_connection_of_no_age(serve: Serve, server: str, database: Settings) -> None:
    ask = serve(server, {**database, "CONN_MAX_AGE": 0})
    assert [ask("query") for _ in range(4)] == [False] * 4


@pytest.mark.parametrize("server", SERVERS)
def test_connection_that_stays(serve: Serve, server: str, database: Settings) -> None:
    ask = serve(server, {**database, "CONN_MAX_AGE": 60})
    assert [ask("query") for _ in range(4)] == [False, True, True, True]


def test_calls(serve: Serve, database: Settings) -> None:
    ask = serve("casgi", {**database, "CONN_MAX_AGE": 60})
    assert [ask("nothing") for _ in range(4)] == [0] * 4
    ask("query")
    assert [ask("nothing") for _ in range(4)] == [0] * 4


@pytest.mark.parametrize("age", [0, 0.3])
def test_age_without_messages(serve: Serve, age: float, database: Settings) -> None:
    ask = serve("casgi", {**database, "CONN_MAX_AGE": age})
    assert ask("watch") >= 0
    assert ask("query") is False
