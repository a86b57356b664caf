"""The supervisor runs a hub, by which groups reach from worker to worker."""

import contextlib
import json
import os
import tempfile
from pathlib import Path

import pytest
from support.casgi_process import DEADLINE
from websockets.sync.client import connect

from casgi.config import Config
from casgi.errors import BindError
from casgi.hub.hub_host import HubHost


def open_on_both(site, stack: contextlib.ExitStack) -> list:
    """Return WebSockets of two workers, each having read its worker's PID."""
    url = f"ws://127.0.0.1:{site.port()}/"
    opened, workers = [], set()
    # One with three more than the other passes on what it accepts.
    while len(workers) < 2:
        opened.append(stack.enter_context(connect(url, open_timeout=DEADLINE)))
        workers.add(opened[-1].recv(DEADLINE))
        assert len(opened) < 20
    return opened


def test_group_reaches_members_in_every_worker(start):
    site = start("--lifespan", "off", "grouped:application")
    site.worker(1)
    site.worker(2)
    with contextlib.ExitStack() as stack:
        opened = open_on_both(site, stack)
        opened[0].send("hello")
        assert {each.recv(DEADLINE) for each in opened} == {"hello"}
    assert site.stop() == 0


def test_workers_are_told_where_the_hub_is_and_it_goes_with_the_supervisor(start):
    site = start("kept:tell_environment")
    path = Path(json.loads(site.get())["environment"]["CASGI_HUB"])
    assert path.is_socket()
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert site.stop() == 0
    assert not path.parent.exists()


def test_hub_is_where_it_is_asked_for(start, tmp_path):
    path = tmp_path / "hub"
    site = start("--hub", str(path), "kept:tell_environment")
    assert json.loads(site.get())["environment"]["CASGI_HUB"] == str(path)
    other = start("--hub", str(path), "kept:tell_environment")
    other.stderr.wait_for("is used, which is there already$")
    assert json.loads(other.get())["environment"]["CASGI_HUB"] == str(path)
    assert other.stop() == 0
    assert path.is_socket()
    assert site.stop() == 0
    assert not path.exists()


@pytest.mark.parametrize("name", ["absent/hub", "kept"])
def test_hub_that_cannot_be_stops_the_start(start, tmp_path, name):
    (tmp_path / "kept").write_text("no socket")
    site = start("--hub", os.path.join(tmp_path, name), "kept:tell_environment")
    assert site.wait() == 2
    assert any("cannot start the hub at" in line for line in site.stderr.lines())


def test_no_folder_for_the_hub_is_said_in_one_line(tmp_path, monkeypatch):
    """As in a container whose root is read-only, and has no other place for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    with pytest.raises(BindError, match="No such file or directory: name the hub's place"):
        HubHost(Config()).start()
