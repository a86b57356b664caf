"""Files of Unix sockets: who may take one's place, and who removes it."""

import contextlib
import os
import re
import socket
import threading
from pathlib import Path

import pytest
from support.casgi_process import PROJECT

from casgi import _core, unix_sockets
from casgi.control.endpoint import ControlSocket
from casgi.errors import BindError
from casgi.status.answering import bind_status
from casgi.unix_sockets import bind_unix


def leave_stale(path: Path) -> None:
    """Leave what a server leaves that is killed."""
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))


@pytest.mark.parametrize(
    "take",
    [
        lambda path: bind_unix(path, 0o600, None),
        ControlSocket,
        lambda path: bind_status(f"unix:{path}"),
        lambda path: _core.Hub(path).start(),
    ],
    ids=["server", "control", "metrics", "hub"],
)
def test_socket_that_does_not_listen_yet_is_somebodys(tmp_path, take):
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as starting:
        starting.bind(path)
        with pytest.raises((OSError, BindError), match=r"[Aa]ddress already in use"):
            take(path)
        starting.listen()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)


def test_server_that_starts_keeps_its_socket(casgi, tmp_path):
    path, go_on = str(tmp_path / "socket"), tmp_path / "go-on"
    first = casgi("-u", path, "served:starting", variables={"GO_ON": str(go_on)})
    first.stdout.wait_for("^starting$")
    for option in ("-u", path), ("-e", f"unix:{path}"):
        second = casgi(*option, "served:hello")
        assert second.wait() == 2
        place = re.escape(path)
        assert second.stderr.wait_for(f"cannot listen on {place}: the address is already in use")
    go_on.touch()
    first.stderr.wait_for("Listening on UNIX socket")
    assert first.stop() == 0
    assert not os.path.exists(path)


def test_of_two_that_find_what_was_left_one_has_it(tmp_path, monkeypatch):
    path = tmp_path / "socket"
    leave_stale(path)
    both_have_looked = threading.Barrier(2, timeout=0.5)
    look = unix_sockets._is_bound
    outcomes: list[object] = []

    def look_together(path: str) -> bool:
        is_bound = look(path)
        with contextlib.suppress(threading.BrokenBarrierError):
            both_have_looked.wait()
        return is_bound

    def start() -> None:
        try:
            outcomes.append(bind_unix(str(path), 0o600, None)[0])
        except OSError as error:
            outcomes.append(error)

    monkeypatch.setattr(unix_sockets, "_is_bound", look_together)
    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (won,) = [each for each in outcomes if isinstance(each, socket.socket)]
    won.listen()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    won.close()


@pytest.mark.parametrize("look", ["_is_bound", "os.unlink"])
def test_server_that_ends_meanwhile_takes_its_file_along(tmp_path, monkeypatch, look):
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    owner = unix_sockets.os if look == "os.unlink" else unix_sockets
    done = getattr(owner, look.removeprefix("os."))
    remove = os.unlink

    def after_its_end(*given):
        with contextlib.suppress(FileNotFoundError):
            remove(path)
        return done(*given)

    with monkeypatch.context() as context:
        context.setattr(owner, look.removeprefix("os."), after_its_end)
        made, file = bind_unix(str(path), 0o600, None)
    file.remove()
    made.close()


def test_folder_that_somebody_keeps_locked_delays_a_start_only(tmp_path, monkeypatch):
    monkeypatch.setattr(unix_sockets, "_LONGEST_LOCK", 0.02)
    with unix_sockets._only_one_in(str(tmp_path)):
        bound, file = bind_unix(str(tmp_path / "socket"), 0o600, None)
    assert file is not None
    file.remove()
    bound.close()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one", "workers"])
def test_every_file_goes_with_its_server(casgi, tmp_path, options):
    names = {"-u": "socket", "--metrics": "unix:status", "--control": "control", "--hub": "hub"}
    places = [str(part) for option, name in names.items() for part in (option, name)]
    arguments = (*options, *places, "--app-dir", str(PROJECT), "served:starting")
    site = casgi(*arguments, folder=tmp_path, variables={"GO_ON": str(tmp_path)})
    site.stderr.wait_for("Listening on UNIX socket")
    files = {"socket", "status", "control", "hub"}
    while not files <= set(os.listdir(tmp_path)):  # Two come last.
        assert not site.has_ended()
    assert site.stop() == 0
    assert set(os.listdir(tmp_path)).isdisjoint(files)
