"""`casgi --reload`: a save is served, an error is shown and waited out, the port stays."""

import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from support.casgi_process import DEADLINE, CasgiProcess
from support.early_signals import sent_at_import
from support.processes import wait_for_end
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

APPLICATION = """
import os

async def application(scope, receive, send):
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        return
    if scope["path"] == "/crash":
        os._exit(9)
    body = b"TEXT %d" % os.getpid()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
"""

Start = Callable[..., CasgiProcess]


@pytest.fixture
def save(tmp_path: Path) -> Callable[[str], None]:
    """Write the application so that it answers with this text, or is what it should not be."""

    def saved(text: str) -> None:
        source = text if "\n" in text else APPLICATION.replace("TEXT", text)
        # At once, or half of it may be reloaded.
        (tmp_path / "site_app.new").write_text(source)
        (tmp_path / "site_app.new").rename(tmp_path / "site_app.py")

    saved("first")
    return saved


@pytest.fixture
def start(tmp_path: Path, save: Callable[[str], None]) -> Iterator[Start]:
    """Start the command with --reload, and end it after the test."""
    with contextlib.ExitStack() as running:

        def started(*options: str, prefix: Sequence[str] = ()) -> CasgiProcess:
            arguments = ("--reload", "-p", "0", *options, "site_app:application")
            process = CasgiProcess(*arguments, folder=tmp_path, prefix=prefix)
            running.callback(process.close)
            return process

        yield started


def ask(port: int, path: str = "/") -> socket.socket:
    """Send a request, and return the connection."""
    client = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
    client.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
    return client


def answer(client: socket.socket) -> tuple[str, int]:
    """Return the text and the PID of the answer."""
    with client, client.makefile("rb") as stream:
        text, pid = stream.read().rpartition(b"\r\n\r\n")[2].split()
        return text.decode(), int(pid)


def test_a_save_is_served_by_a_new_process_on_the_same_port(start, save):
    process = start()
    port = process.port()
    text, first = answer(ask(port))
    assert text == "first"
    save("second")
    process.stderr.wait_for("Reloading: site_app.py")
    process.stderr.wait_for("Listening on TCP", 1)
    text, second = answer(ask(port))
    assert (text, second != first) == ("second", True)
    save("third")
    process.stderr.wait_for("Reloading: site_app.py", 1)
    process.stderr.wait_for("Listening on TCP", 2)
    assert answer(ask(port))[0] == "third"
    assert process.stop() == 0


def test_an_error_is_shown_and_the_next_save_waited_for(start, save):
    process = start()
    port = process.port()
    save("def (:\n    pass\n")
    process.stderr.wait_for("SyntaxError: ")
    process.stderr.wait_for("The application ended with status 1; waiting for a change")
    waiting = ask(port)  # The port is there, and somebody will answer.
    save("import a_module_that_nobody_has\n")
    process.stderr.wait_for("ModuleNotFoundError: ")
    process.stderr.wait_for("waiting for a change", 1)
    save("second")
    assert answer(waiting)[0] == "second"


def test_an_error_at_the_start_is_waited_out_too(start, save):
    save("def (:\n    pass\n")
    process = start()
    process.stderr.wait_for("waiting for a change")
    save("second")
    assert answer(ask(process.port()))[0] == "second"


def test_an_application_that_crashes_is_served_after_the_next_save(start, save):
    process = start()
    port = process.port()
    with ask(port, "/crash") as client:
        assert client.recv(1) == b""
    process.stderr.wait_for("The application ended with status 9; waiting for a change")
    save("second")
    assert answer(ask(port))[0] == "second"


def test_open_websockets_are_told_to_come_back(start, save):
    process = start()
    with connect(f"ws://127.0.0.1:{process.port()}/") as client:
        save("second")
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=DEADLINE)
        assert client.close_code == 1012


EARLY = "casgi.reloading.reloader"


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2, signal.SIGTTIN])
def test_signal_that_comes_too_early_ends_nothing(start, number):
    process = start(prefix=sent_at_import(number, EARLY))
    answer(ask(process.port()))
    assert process.stop() == 0


def test_terminal_that_has_gone_too_early(start):
    assert start(prefix=sent_at_import(signal.SIGHUP, EARLY)).wait() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_both_processes(start, number):
    process = start()
    _, served_by = answer(ask(process.port()))
    process.signal(number)
    assert process.wait() == 0
    wait_for_end(served_by)


def test_ctrl_c_of_a_terminal_ends_it_in_order(tmp_path, save):
    arguments = ("--reload", "-p", "0", "site_app:application")
    process = CasgiProcess(*arguments, folder=tmp_path, start_new_session=True)
    try:
        _, served_by = answer(ask(process.port()))
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait() == 0
        wait_for_end(served_by)
        assert not [line for line in process.stderr.lines() if "Traceback" in line]
    finally:
        process.close()


def test_the_application_does_not_outlive_the_process_that_reloads_it(start):
    process = start()
    _, served_by = answer(ask(process.port()))
    process.signal(signal.SIGKILL)
    process.wait()
    wait_for_end(served_by)


def test_other_files_count_when_they_are_named(start, save, tmp_path):
    (tmp_path / "watched").mkdir()
    process = start("--reload-dir", "watched", "--reload-include", "*.html")
    port = process.port()
    _, first = answer(ask(port))
    (tmp_path / "watched" / "room.html").write_text("<p>")
    process.stderr.wait_for("Reloading: room.html")
    process.stderr.wait_for("Listening on TCP", 1)
    assert answer(ask(port))[1] != first


def test_workers_are_not_reloaded_so(start):
    process = start("--workers", "2")
    assert process.wait() == 2
    (line,) = process.stderr.lines()
    assert line == "casgi: reload and workers do not go together: --reload is for development"


def test_what_the_application_starts_gets_the_terminals_signal(start, save):
    """The process that serves passes SIGINT over, which the one that reloads has got, too."""
    blocked = "import subprocess\nsubprocess.run(['grep', 'SigBlk', '/proc/self/status'])\n"
    save(blocked + APPLICATION)
    process = start()
    mask = int(process.stdout.wait_for(r"^SigBlk:\s+(\w+)$")[1], 16)
    assert not mask >> (signal.SIGINT - 1) & 1
    served_by = pid_of(process)
    os.kill(served_by, signal.SIGINT)
    assert pid_of(process) == served_by
    assert process.stop() == 0
    assert len([line for line in process.stderr.lines() if "Shutting down" in line]) == 1


def pid_of(process: CasgiProcess) -> int:
    """Return the PID in an answer."""
    with socket.create_connection(("127.0.0.1", process.port()), DEADLINE) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        with client.makefile("rb") as answer:
            return int(answer.read().split()[-1])


def test_nothing_is_unclosed_at_the_end(start, monkeypatch):
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    process = start()
    answer(ask(process.port()))
    assert process.stop() == 0
    assert [line for line in process.stderr.lines() if "ResourceWarning" in line] == []
