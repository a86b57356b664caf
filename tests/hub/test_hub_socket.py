"""Where a hub is found, and who may open it."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from casgi import _core


def test_mode_and_owner(path: str) -> None:
    hub = _core.Hub(path)
    hub.start()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    hub.stop()
    assert not os.path.exists(path)
    shared = _core.Hub(path, mode=0o660, uid=os.getuid(), gid=os.getgid())
    shared.start()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o660
    assert os.stat(path).st_gid == os.getgid()
    shared.stop()


def test_a_socket_that_somebody_answers_at_is_left_alone(hub: _core.Hub, path: str) -> None:
    before = os.stat(path).st_ino
    with pytest.raises(OSError, match="in use") as raised:
        _core.Hub(path).start()
    assert raised.value.filename == path
    assert os.stat(path).st_ino == before


def test_a_dead_socket_is_replaced(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    hub = _core.Hub(path)
    hub.start()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
    hub.stop()


def test_what_is_no_socket_is_left_alone(path: str) -> None:
    Path(path).write_text("mine")
    with pytest.raises(OSError, match="in use"):
        _core.Hub(path).start()
    assert Path(path).read_text() == "mine"


def test_a_successor_keeps_its_path(hub: _core.Hub, path: str) -> None:
    os.unlink(path)
    successor = _core.Hub(path)
    successor.start()
    hub.stop()
    assert os.path.exists(path)
    successor.stop()


@pytest.mark.parametrize("wrong", ["/nowhere/at/all", "x" * 200, ""], ids=["folder", "long", "no"])
def test_a_path_that_cannot_be(wrong: str) -> None:
    with pytest.raises(OSError):
        _core.Hub(wrong).start()


def test_it_can_be_started_again(hub: _core.Hub) -> None:
    hub.stop()
    hub.stop()
    assert set(hub.metrics().values()) == {0}
    hub.start()
    with pytest.raises(RuntimeError, match="already"):
        hub.start()
