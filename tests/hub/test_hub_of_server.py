"""The hub that a server runs for others: with workers or without, whose it is, until when."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.casgi_process import CasgiProcess
from support.django_settings import configure_django
from support.processes import wait_for_end
from support.ws import WebSocketClient

configure_django()

from casgi.channels import ChannelLayer  # noqa: E402
from casgi.hub import HubUnavailable  # noqa: E402
from casgi.hub.connection import connection_to  # noqa: E402
from casgi.hub.folders import make_folder  # noqa: E402

GROUPED = Path(__file__).parents[1] / "workers" / "project"
GROUP = "everybody"
DEADLINE = 30.0
Serve = Callable[..., CasgiProcess]


@pytest.fixture
def serve(path: str) -> Iterator[Serve]:
    """Start a server whose WebSockets are in one group, with its hub at the path of the test."""
    with contextlib.ExitStack() as stack:

        def start(*options: str, **variables: str) -> CasgiProcess:
            served = ["-p", "0", "--lifespan", "off", "--hub", path, *options]
            # The project is that of this process.
            variables["CASGI_HUB_PROJECT"] = "tests"
            site = CasgiProcess(*served, "grouped:application", folder=GROUPED, variables=variables)
            stack.callback(site.close)
            return site

        yield start


@pytest.fixture
def layer(path: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A layer of this process, as a task's."""
    monkeypatch.setenv("CASGI_HUB_PROJECT", "tests")
    yield ChannelLayer(hub=path, prefix="default")
    connection_to(path).close()


def enter(site: CasgiProcess) -> WebSocketClient:
    """Return a WebSocket that is in the group."""
    client = WebSocketClient(socket.create_connection(("127.0.0.1", site.port()), DEADLINE))
    client.handshake("/")
    client.read_text()
    return client


@pytest.mark.parametrize("workers", ["1", "2"])
def test_tasks_reach_the_groups_of_a_server(serve: Serve, layer: Any, workers: str) -> None:
    site = serve("--workers", workers)
    with enter(site) as client:
        layer.sync.group_send(GROUP, {"type": "said", "text": "from a task"})
        assert client.read_text() == "from a task"
        mine = layer.sync.new_channel()
        layer.sync.group_add(GROUP, mine)
        client.send_text("to everybody")
        assert client.read_text() == layer.sync.receive(mine, DEADLINE)["text"] == "to everybody"
        asyncio.run(layer.flush())
    assert site.stop() == 0
    assert not os.path.exists(layer.hub_path)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_mode_and_owner_of_the_hub(serve: Serve, path: str, workers: str) -> None:
    owner = f"{os.getuid()}:{os.getgid()}"
    options = ("--workers", workers, "--hub-mode", "660", "--hub-owner", owner)
    serve(*options).port()
    made = os.stat(path)
    assert stat.S_IMODE(made.st_mode) == 0o660
    assert (made.st_uid, made.st_gid) == (os.getuid(), os.getgid())


def reach(layer: Any) -> None:
    """Return when the layer has the hub, and has announced its groups there."""
    end = time.monotonic() + DEADLINE
    while True:
        try:
            layer.sync.group_send("nobody", {"type": "said"})
            return
        except HubUnavailable:
            assert time.monotonic() < end
            time.sleep(0.05)


def test_upgrade_in_place_keeps_the_hub_where_it_is(serve: Serve, layer: Any, path: str) -> None:
    """With its mode; members outside are told that something may have been missed meanwhile."""
    site = serve("--workers", "2", "--hub-mode", "660", "--linger", "0", "--drain", "0")
    site.stderr.wait_for("serves$", 1)
    mine = layer.sync.new_channel()
    layer.sync.group_add(GROUP, mine)
    site.signal(signal.SIGUSR2)
    site.stderr.wait_for("serves$", 3)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o660
    reach(layer)
    with enter(site) as client:
        client.send_text("after the upgrade")
        assert layer.sync.receive(mine, DEADLINE)["text"] == "after the upgrade"
    assert layer.gaps > 0
    asyncio.run(layer.flush())


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
def test_hub_of_another_group(serve: Serve, path: str) -> None:
    serve("--hub-owner", ":1").port()
    assert os.stat(path).st_gid == 1


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--hub", "x", "--hub-mode", "rw"], "hub_mode must be octal permissions"),
        (["--hub", "x", "--hub-owner", "no-such"], "hub_owner: there is no user 'no-such' here"),
        (["--hub-mode", "660"], "hub_mode has no effect without hub"),
        (["--hub-owner", "0"], "hub_owner has no effect without hub"),
        (["--hub", "absent/hub"], "cannot start the hub at .*absent/hub: No such file"),
    ],
)
def test_options_are_checked(options: list[str], complaint: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("async def app(scope, receive, send): ...\n")
    site = CasgiProcess("-p", "0", *options, "app:app", folder=tmp_path)
    with contextlib.closing(site):
        assert site.wait() == 2
        assert site.stderr.wait_for(complaint)


def test_hub_goes_on_in_a_server_that_stays(serve: Serve, layer: Any, path: str) -> None:
    first = serve()
    first.port()
    second = serve("--workers", "2")
    second.stderr.wait_for("is used, which is there already$")
    with enter(second) as client:
        layer.sync.group_send(GROUP, {"type": "said", "text": "one"})
        assert client.read_text() == "one"
        first.signal(signal.SIGKILL)
        first.wait()
        second.stderr.wait_for("had gone, and is here now$")
        for _ in range(2):
            second.stderr.wait_for("The hub is back")
        layer.sync.group_send(GROUP, {"type": "said", "text": "two"})
        assert client.read_text() == "two"
    assert second.stop() == 0


# What has been freed is something else by then.
RETURNS = "kept.extend(b'A' * size for size in range(16, 512, 8) for _ in range(3000)); return"


@pytest.mark.parametrize(("way", "status"), [("sys.exit(7)", 7), (RETURNS, 1)])
def test_children_of_the_application_leave_the_hub_alone(
    path: str, tmp_path: Path, way: str, status: int
) -> None:
    """One that goes on in the loop, which is the parent's, ends with an error of that."""
    (tmp_path / "forking.py").write_text(
        "import os, sys\n"
        "kept = []\n"
        "async def app(scope, receive, send):\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        f"        {way}\n"
        "    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])\n"
        "    await send({'type': 'http.response.start', 'status': 200})\n"
        "    await send({'type': 'http.response.body', 'body': b'status %d' % status})\n"
    )
    options = ("-p", "0", "--lifespan", "off", "--hub", path)
    site = CasgiProcess(*options, "forking:app", folder=tmp_path)
    with contextlib.closing(site):
        with socket.create_connection(("127.0.0.1", site.port()), DEADLINE) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b"".join(iter(lambda: client.recv(4096), b""))
        assert answer.endswith(b"status %d" % status)
        assert os.path.exists(path)
        assert site.stop() == 0


def test_folder_of_a_killed_supervisor_goes_with_the_next(tmp_path: Path) -> None:
    options = ("--workers", "2", "-p", "0", "kept:tell_environment")

    def start() -> CasgiProcess:
        return CasgiProcess(*options, folder=GROUPED, variables={"TMPDIR": str(tmp_path)})

    with contextlib.closing(start()) as killed:
        workers = [
            int(killed.stderr.wait_for(rf"Worker {number} \(PID (\d+)\) serves$")[1])
            for number in (1, 2)
        ]
        [left] = tmp_path.glob("casgi-*")
        killed.signal(signal.SIGKILL)
        killed.wait()
        for worker in workers:
            wait_for_end(worker)
        assert left.exists()
    _make_old(left)
    with contextlib.closing(start()) as first, contextlib.closing(start()) as second:
        for site in (first, second):
            site.port()
        assert not left.exists()
        assert len(list(tmp_path.glob("casgi-*"))) == 2
        assert first.stop() == second.stop() == 0
    assert not list(tmp_path.glob("casgi-*"))


def _make_old(folder: Path) -> None:
    """Let it be so long ago that its hub was started that it could not be about to be."""
    os.utime(folder, (0, 0))


def test_only_folders_of_hubs_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    gone = 2**22 + 1  # more than the kernel gives
    kept = [f"casgi-{os.getpid()}-x", "casgi-notes", f"casgi-{gone}", f"other-{gone}-x"]
    for name in (*kept, f"casgi-{gone}-abc"):
        (tmp_path / name).mkdir()
        _make_old(tmp_path / name)
    starting = tmp_path / f"casgi-{gone}-new"  # in another container, where there is the PID
    starting.mkdir()
    answered = tmp_path / f"casgi-{gone}-other"
    answered.mkdir()
    (tmp_path / f"casgi-{gone}-link").symlink_to(tmp_path / "casgi-notes")
    with socket.socket(socket.AF_UNIX) as hub:
        hub.bind(str(answered / "hub"))
        hub.listen()
        _make_old(answered)
        made = Path(make_folder())
    there = {each.name for each in tmp_path.iterdir()}
    assert there == {*kept, answered.name, starting.name, f"casgi-{gone}-link", made.name}
