"""The examples without Channels, each served by its command as a process of its own."""

import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from support.apps import DEADLINE
from support.ports import free_port
from support.reports import wait_until
from support.server_process import ServerProcess
from support.ws import WebSocketClient, upgrade

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
BOTH = pytest.mark.parametrize("name", ["starlette_rooms", "fastapi_rooms"])

Start = Callable[..., ServerProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Serve an example: `start(name, program="casgi")`."""
    with ExitStack() as stack:

        def run(name: str, program: str = "casgi") -> ServerProcess:
            port = free_port()
            command = [sys.executable, "-m", program, "-b", "127.0.0.1", "-p", str(port)]
            command.append("app:application")
            server = ServerProcess(command, port, tmp_path / "log", EXAMPLES / name)
            return stack.enter_context(server)

        yield run


def connect(server: ServerProcess, room: str) -> WebSocketClient:
    """Return a client that is in the room: it hears itself."""
    client = WebSocketClient(socket.create_connection(("127.0.0.1", server.port), DEADLINE))
    client.handshake(f"/{room}/ws")
    client.send_text("in")
    assert client.read_text() == "in"
    return client


def check_chat(server: ServerProcess) -> None:
    ann, bob = connect(server, "lobby"), connect(server, "lobby")
    assert ann.read_text() == "in"
    cid = connect(server, "other")
    for text in ("hello", "hé"):
        ann.send_text(text)
        assert [one.read_text() for one in (ann, bob)] == [text] * 2
    ann.finish()
    bob.send_text("alone")
    assert bob.read_text() == "alone"
    cid.send_text("nothing of theirs")
    assert cid.read_text() == "nothing of theirs"
    for client in (bob, cid):
        client.finish()


@BOTH
def test_two_clients_chat(start: Start, name: str) -> None:
    server = start(name)
    check_chat(server)
    server.stop()
    assert "Traceback" not in server.log_text()


@BOTH
def test_page(start: Start, name: str) -> None:
    page = httpx.get(f"http://127.0.0.1:{start(name).port}/lobby")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert '"/ws"' in page.text


@pytest.mark.parametrize("program", ["casgi", "daphne"])
def test_order_by_http_is_heard_in_the_room(start: Start, program: str) -> None:
    server = start("fastapi_rooms", program)
    ann, bob, cid = (connect(server, room) for room in ("kitchen", "kitchen", "other"))
    assert ann.read_text() == "in"
    url = f"http://127.0.0.1:{server.port}"
    for room in ("kitchen", "nobody", "other"):
        answer = httpx.post(f"{url}/{room}", json={"text": f"for {room}"})
        assert answer.status_code == 202
    assert [one.read_text() for one in (ann, bob, cid)] == ["for kitchen"] * 2 + ["for other"]
    for client in (ann, bob, cid):
        client.finish()


def test_fastapi_on_a_server_without_the_extension(start: Start) -> None:
    check_chat(start("fastapi_rooms", "daphne"))


def test_starlette_on_a_server_without_the_extension(start: Start) -> None:
    server = start("starlette_rooms", "daphne")
    client = WebSocketClient(socket.create_connection(("127.0.0.1", server.port), DEADLINE))
    client.send(upgrade("/lobby/ws"))
    assert client.read_head().status != 101
    client.close()
    wait_until(
        lambda: "needs a server with the ASGI extension" in server.log_text(), "it does not say why"
    )
