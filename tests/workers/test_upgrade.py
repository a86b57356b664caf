"""SIGUSR2: another casgi goes on in the place of this one, and nobody notices."""

import asyncio
import contextlib
import http.client
import os
import re
import shutil
import signal
import stat
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from support.casgi_process import DEADLINE
from support.ports import free_port
from support.processes import is_alive, wait_for_end
from traffic import SERVICE_RESTART, Traffic
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

import casgi
from casgi.channels import ChannelLayer
from casgi.hub.connection import connection_to
from casgi.supervisor.rolling import Rolling
from casgi.supervisor.service_manager import ServiceManager
from casgi.supervisor.upgrade import Upgrade

REPLACED = "The workers were replaced$"
NEW_VERSION = "99.0"


class Installed:
    """A copy of casgi, which is what a site finds installed, and can be changed."""

    def __init__(self, folder: Path) -> None:
        self.package = folder / "casgi"
        ignore = shutil.ignore_patterns("__pycache__", "*.so")
        shutil.copytree(Path(casgi.__file__).parent, self.package, ignore=ignore)
        for core in Path(casgi.__file__).parent.glob("*.so"):
            (self.package / core.name).symlink_to(core)
        self.variables = {"PYTHONPATH": str(folder)}

    def change(self, file: str, before: str, after: str) -> None:
        """Release another one."""
        path = self.package / file
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))

    def release(self) -> None:
        """Release one of another version, whose supervisor has other code, too."""
        self.change("__init__.py", f'"{casgi.__version__}"', f'"{NEW_VERSION}"')
        self.change("supervisor/rolling.py", '"Replacing the workers"', '"Replacing all workers"')


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    """A copy of casgi that is only the site's."""
    return Installed(tmp_path)


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def children_of(pid: int) -> set[int]:
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def fetch(address: str, path: str) -> str:
    with urllib.request.urlopen(f"http://{address}{path}", timeout=DEADLINE) as answer:
        return answer.read().decode()


def follow_upgrade(site, workers: int, version: str = casgi.__version__) -> None:
    """Wait for one step of an upgrade after the other: each may take its time."""
    site.stderr.wait_for("makes way for the one that is installed now$")
    site.stderr.wait_for(f"casgi {version} goes on where {casgi.__version__} has ended$")
    for number in range(workers):
        site.worker(number + 1, nth=1)
    site.stderr.wait_for(REPLACED)


def test_upgrade_under_load_loses_nothing(start, installed, tmp_path):
    metrics = f"127.0.0.1:{free_port()}"
    site = start(
        *("--linger", "5", "--drain", "0.1", "--no-access-log", "--metrics", metrics),
        "kept:tell_version",
        variables=installed.variables,
    )
    old = [site.worker(1), site.worker(2)]
    assert site.get() == casgi.__version__

    async def run() -> Traffic:
        async with Traffic(site.port(), 2) as traffic:
            installed.release()
            site.signal(signal.SIGUSR2)
            await asyncio.to_thread(follow_upgrade, site, 2, NEW_VERSION)
        return traffic

    traffic = asyncio.run(run())
    assert traffic.failures == []
    assert set(traffic.closed_with) <= {SERVICE_RESTART}
    site.stderr.wait_for("Replacing all workers$")
    new = [site.worker(1, nth=1), site.worker(2, nth=1)]
    assert {parent_of(pid) for pid in new} == {site.pid}
    for pid in old:
        wait_for_end(pid)
    assert site.get() == NEW_VERSION
    # What the old workers have counted is not forgotten.
    counted = re.search(r"^casgi_requests_total (\d+)$", fetch(metrics, "/metrics"), re.MULTILINE)
    assert int(counted[1]) >= sum(traffic.answered.values())
    assert fetch(metrics, "/ready") == "ready\n"
    assert site.stop() == 0
    errors = [line for line in site.stderr.lines() if "ERROR" in line]
    assert all("The hub is away" in line for line in errors)


class Talkers:
    """Two WebSockets that talk to their group, and a process of its own that does, while entered.

    Who is asked to come again does so.
    """

    def __init__(self, port: int, hub: Path) -> None:
        self.said = 0
        self.closed_with: set[int] = set()
        self.failures: list[str] = []
        self._url = f"ws://127.0.0.1:{port}/"
        self._hub = str(hub)
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._note, args=[work])
            for work in (self._talk, self._talk, self._publish)
        ]

    def __enter__(self) -> "Talkers":
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        for each in self._threads:
            each.join(DEADLINE)

    def _note(self, work: Callable[[], None]) -> None:
        while not self._ended.is_set():
            try:
                work()
            except ConnectionClosed as closed:
                # Who is held up for a second is cut after the frame, and may not have read it.
                if closed.rcvd is not None:
                    self.closed_with.add(closed.rcvd.code)
            except Exception as error:
                self.failures.append(repr(error))

    def _talk(self) -> None:
        with connect(self._url, open_timeout=DEADLINE) as client:
            client.recv(DEADLINE)
            while not self._ended.is_set():
                client.send("hello")
                client.recv(DEADLINE)
                self.said += 1

    def _publish(self) -> None:
        layer = ChannelLayer(hub=self._hub)
        try:
            while not self._ended.is_set():
                layer.sync.group_send("nobody", {"type": "said", "text": "plainly"})
        finally:
            connection_to(self._hub).close()


def test_upgrade_of_a_server_with_groups_fails_nobody(start, tmp_path):
    """Its hub is away for as long as the next program takes to start."""
    hub = tmp_path / "hub"
    site = start(
        *("--linger", "30", "--drain", "0.1", "--no-access-log", "--lifespan", "off"),
        *("--hub", str(hub), "grouped:application"),
    )
    site.worker(2)
    with Talkers(site.port(), hub) as talkers:
        site.signal(signal.SIGUSR2)
        follow_upgrade(site, 2)
    assert talkers.failures == []
    assert talkers.closed_with <= {SERVICE_RESTART}
    assert talkers.said > 0
    assert site.stop() == 0
    assert not any("HubUnavailable" in line for line in site.stderr.lines())


def test_counts_and_readiness_are_whole_from_the_first_answer_on(start):
    """A count that goes down once is a new beginning for Prometheus, which adds all of it again."""
    port = free_port()
    site = start("--metrics", str(port), "kept:tell_process", workers=4)
    for number in range(4):
        site.worker(number + 1)
    for _ in range(20):
        site.get()
    site.signal(signal.SIGUSR2)
    site.stderr.wait_for("makes way for the one that is installed now$")
    with contextlib.ExitStack() as stack:
        # They wait in the socket until the next program answers.
        asked = []
        for path in ("/ready", "/metrics") * 5:
            one = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
            asked.append(stack.enter_context(contextlib.closing(one)))
            one.request("GET", path)
        for ready, metrics in zip(asked[::2], asked[1::2], strict=True):
            assert ready.getresponse().status == 200
            page = metrics.getresponse().read().decode()
            counted = re.search(r"^casgi_requests_total (\d+)$", page, re.MULTILINE)
            assert int(counted[1]) >= 20
            assert re.search(r"^casgi_workers 4$", page, re.MULTILINE)
    assert site.stop() == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("cli.py", "import click\n", "import click\n1 / 0\n"), "ZeroDivisionError: division by"),
        (
            ("supervisor/inheritance.py", "_FORMAT = 1", "_FORMAT = 2"),
            "casgi .* and this one need a restart in between",
        ),
        (None, r'importing "kept:deployed\(\)" failed: RuntimeError: a broken release'),
    ],
)
def test_casgi_that_cannot_serve_changes_nothing(start, installed, tmp_path, change, reason):
    broken = tmp_path / "broken"
    variables = {**installed.variables, "BROKEN": str(broken)}
    site = start("kept:deployed()", variables=variables)
    old = [site.worker(1), site.worker(2)]
    if change is None:
        broken.touch()
    else:
        installed.change(*change)
    site.signal(signal.SIGUSR2)
    site.stderr.wait_for(f"ERROR .*SIGUSR2: nothing is changed, .* cannot serve: {reason}")
    assert all(map(is_alive, old))
    assert site.worker_of() in old
    assert site.stop() == 0
    lines = site.stderr.lines()
    assert len([line for line in lines if "ERROR" in line or "Traceback" in line]) == 1


def test_number_of_workers_and_a_lack_of_one_outlive_an_upgrade(start, tmp_path):
    dying = tmp_path / "dying"
    site = start("kept:dying()", variables={"DYING": str(dying)})
    site.worker(2)
    site.signal(signal.SIGTTIN)
    third = site.worker(3)
    dying.touch()
    os.kill(third, signal.SIGKILL)
    site.stderr.wait_for("Worker 3 is started again in 0.5 s")
    dying.unlink()
    site.signal(signal.SIGUSR2)
    follow_upgrade(site, 3)
    os.kill(site.worker(1, nth=1), signal.SIGKILL)
    site.worker(1, nth=2)
    assert site.stop() == 0


def test_files_of_sockets_outlive_an_upgrade(start, tmp_path):
    """The server's may have gone, and the hub's has the mode and owner that were asked for."""
    server, hub, status = tmp_path / "server", tmp_path / "hub", tmp_path / "status"
    site = start(
        *("-u", str(server), "--metrics", f"unix:{status}", "--control", str(tmp_path / "control")),
        *("--hub", str(hub), "--hub-mode", "660", "--hub-owner", f"{os.getuid()}:{os.getgid()}"),
        "kept:tell_process",
    )
    site.worker(2)
    server.unlink()
    site.signal(signal.SIGUSR2)
    follow_upgrade(site, 2)
    found = hub.stat()
    assert stat.S_IMODE(found.st_mode) == 0o660
    assert (found.st_uid, found.st_gid) == (os.getuid(), os.getgid())
    server.write_text("of somebody")
    assert site.stop() == 0
    assert os.listdir(tmp_path) == ["server"]


def test_requests_for_an_upgrade_while_one_is_looked_at_are_one_more(start, tmp_path):
    broken, go_on = tmp_path / "broken", tmp_path / "go-on"
    go_on.touch()
    variables = {"BROKEN": str(broken), "GO_ON": str(go_on)}
    site = start("kept:deployed_slowly()", variables=variables)
    workers = {site.worker(1), site.worker(2)}
    go_on.unlink()
    broken.touch()
    site.signal(signal.SIGUSR2)
    site.stderr.wait_for("SIGUSR2: looking whether")
    for _ in range(5):
        site.signal(signal.SIGUSR2)
    site.signal(signal.SIGHUP)
    site.stderr.wait_for("The workers are replaced when")
    # As pkill sends them to everybody.
    (looking,) = children_of(site.pid) - workers
    for number in signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTTIN:
        os.kill(looking, number)
    go_on.touch()
    site.stderr.wait_for("nothing is changed, .* RuntimeError: a broken release")
    site.stderr.wait_for("The new worker did not start")
    assert site.stop() == 0
    looked = [line for line in site.stderr.lines() if "SIGUSR2: looking whether" in line]
    assert len(looked) == 2


@pytest.mark.parametrize("comes", ["before", "after"])
def test_stop_that_comes_at_the_last_moment_is_not_lost(comes):
    """The loop has not called who handles it yet, and the next program never would."""
    waiting = []

    class Checked(Upgrade):
        async def check(self, left, until):
            if comes == "before":
                signal.raise_signal(signal.SIGTERM)
            return True

        def execute(self, left):
            signal.raise_signal(signal.SIGTERM)
            waiting.append(signal.SIGTERM in signal.sigpending())

    async def run():
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        rolling = Rolling([], ServiceManager(), stop)
        await Checked(None, None, rolling, None, object, list).run(stop)
        async with asyncio.timeout(DEADLINE):
            await stop.wait()

    asyncio.run(run())
    assert waiting == ([] if comes == "before" else [True])
