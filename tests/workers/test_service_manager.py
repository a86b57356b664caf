"""systemd is told by the supervisor alone: ready, reloading, stopping, alive."""

import asyncio
import contextlib
import signal
import socket
import time

import pytest
from support.casgi_process import DEADLINE

from casgi.supervisor.service_manager import ServiceManager

DATAGRAMS = socket.AF_UNIX, socket.SOCK_DGRAM


class Manager:
    """The socket of a service manager."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(*DATAGRAMS)
        self._socket.settimeout(DEADLINE)
        self._socket.bind(path)

    def told(self) -> dict[str, str]:
        """Return the next message."""
        lines = self._socket.recv(4096).decode().split("\n")
        return dict(line.split("=", 1) for line in lines)

    def told_but(self, ignored: str) -> dict[str, str]:
        """Return the next message that does not begin with this."""
        while ignored in (told := self.told()):
            pass
        return told

    def fill(self) -> None:
        """Leave no room for a message, as somebody who does not read."""
        has_room = True
        while has_room:  # A sender may come to its own limit before.
            has_room = False
            with contextlib.suppress(BlockingIOError), socket.socket(*DATAGRAMS) as sender:
                sender.setblocking(False)
                while True:
                    sender.sendto(b"OTHER=1", self._socket.getsockname())
                    has_room = True

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["a path", "an abstract name"])
def manager(request, tmp_path):
    path = str(tmp_path / "notify") if request.param == "a path" else f"\0casgi-{tmp_path}"
    manager = Manager(path)
    manager.variable = path.replace("\0", "@")
    yield manager
    manager.close()


def test_service_is_ready_when_all_workers_serve_and_stops(start, manager):
    site = start("kept:tell_process", variables={"NOTIFY_SOCKET": manager.variable})
    assert manager.told()["READY"] == "1"
    assert len({site.worker(1), site.worker(2)}) == 2
    site.signal(signal.SIGTERM)
    assert manager.told()["STOPPING"] == "1"
    assert site.wait() == 0


def test_reload_is_followed_by_ready_whether_it_succeeds_or_fails(start, manager, tmp_path):
    broken = tmp_path / "broken"
    variables = {"NOTIFY_SOCKET": manager.variable, "BROKEN": str(broken)}
    site = start("kept:deployed()", variables=variables)
    assert "READY" in manager.told()
    for is_broken in (False, True):
        if is_broken:
            broken.touch()
        asked = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        site.signal(signal.SIGHUP)
        told = manager.told()
        assert told["RELOADING"] == "1"
        assert int(told["MONOTONIC_USEC"]) >= asked
        assert manager.told()["READY"] == "1"
    assert site.stop() == 0
    assert "STOPPING" in manager.told()


def test_supervisor_shows_that_it_is_alive_also_during_a_reload(start, manager):
    variables = {"NOTIFY_SOCKET": manager.variable, "WATCHDOG_USEC": "200000"}
    site = start("kept:tell_process", variables=variables)
    assert "READY" in manager.told_but("WATCHDOG")
    site.signal(signal.SIGHUP)
    assert "RELOADING" in manager.told_but("WATCHDOG")
    alive = 0
    while "WATCHDOG" in manager.told():
        alive += 1
    assert alive >= 1
    assert site.stop() == 0


def test_supervisor_shows_that_it_is_alive_around_an_upgrade(start, manager):
    """Before the other program takes its place, which takes its time, and by that program."""
    hours = {"NOTIFY_SOCKET": manager.variable, "WATCHDOG_USEC": "36000000000"}
    site = start("kept:tell_process", variables=hours)
    assert "WATCHDOG" in manager.told()
    assert "READY" in manager.told()
    site.signal(signal.SIGUSR2)
    for _ in range(2):
        while "WATCHDOG" not in manager.told():
            pass
    site.stderr.wait_for("The workers were replaced$")
    assert site.stop() == 0


def test_signs_of_life_come_with_room_within_half_of_the_time(monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    timeouts = []

    async def wait_for_any(event, timeout):
        timeouts.append(timeout)
        event.set()

    monkeypatch.setattr("casgi.supervisor.service_manager.wait_for_any", wait_for_any)
    asyncio.run(ServiceManager().keep_alive(asyncio.Event()))
    assert timeouts == [10.0]


def test_what_has_no_room_is_said_when_there_is_some(start, manager):
    manager.fill()
    site = start("kept:tell_process", variables={"NOTIFY_SOCKET": manager.variable})
    site.worker(2)
    site.signal(signal.SIGHUP)
    site.stderr.wait_for("The workers were replaced$")
    assert "READY" in manager.told_but("OTHER")
    assert "RELOADING" in manager.told()
    assert "READY" in manager.told()
    assert site.stop() == 0
    assert "STOPPING" in manager.told()


def test_other_process_of_the_manager_is_not_watched(start, manager):
    variables = {
        "NOTIFY_SOCKET": manager.variable,
        "WATCHDOG_USEC": "20000",
        "WATCHDOG_PID": "1",
    }
    site = start("kept:tell_process", variables=variables)
    assert "READY" in manager.told()
    assert site.stop() == 0
    assert "STOPPING" in manager.told()


def test_manager_that_has_gone_stops_nothing(start, tmp_path):
    site = start("kept:tell_process", variables={"NOTIFY_SOCKET": str(tmp_path / "absent")})
    site.stderr.wait_for("WARNING .*Cannot notify .*absent: No such file")
    assert site.worker_of()
    assert site.stop() == 0
