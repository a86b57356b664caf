"""Everybody talks at full speed to fast and slow members, while workers are held, killed, replaced.

Senders are threads, forked children, an event loop for each message, and consumers. Whatever
happens: the order of each sender is kept, no message comes twice, and where one is missing there
was a `layer_gap`; nobody has more than the documented bytes in the hub. HUB_ROUNDS makes it long.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from support.casgi_process import CasgiProcess
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from casgi import _core

FOLDER = Path(__file__).parent
ROUNDS = int(os.environ.get("HUB_ROUNDS", "1"))
SECONDS = 60.0
# LIMIT_HUB_BACKLOG_MOST and the largest frame.
MOST_UNREAD = 4 * 1024 * 1024 + 65536
SERVES = r"Worker \d+ \(PID \d+\) serves$"
WORDS = re.compile(r"(\S+) (\d+)")

pytestmark = pytest.mark.timeout(300 + 60 * ROUNDS)


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.005)


class Member:
    """A client in the room, and all that it has heard."""

    def __init__(self, port: int, path: str, stack: contextlib.ExitStack) -> None:
        url = f"ws://127.0.0.1:{port}{path}"
        # No limit on what waits here: it is the hub that is tested.
        client = connect(url, open_timeout=SECONDS, ping_interval=None, max_queue=None)
        self._client = stack.enter_context(client)
        self.process = int(str(self._client.recv(SECONDS)).split()[1])
        self.heard: list[str] = []
        self.owed = ""
        self.is_open = True
        self._reading = threading.Thread(target=self._read)
        self._reading.start()
        stack.callback(self._reading.join)
        stack.callback(self._client.close)

    def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            for text in self._client:
                self.heard.append(str(text))
        self.is_open = False

    def say(self, text: str) -> None:
        self._client.send(text)

    def check(self, is_late: bool, is_told_later: bool) -> None:
        """See that nothing is twice, in the wrong order, or missing without a gap there.

        Who has lost the hub is told once it has announced all again, not at the very place.
        """
        expected: dict[str, int] = {}
        gap_before: dict[str, int] = {}
        gaps = 0
        for text in self.heard:
            if text == "gap":
                gaps += 1
                self.owed = ""
                continue
            name, number = WORDS.fullmatch(text).groups()  # type: ignore[union-attr]
            first = int(number) if is_late else 0
            due = expected.get(name, first)
            assert int(number) >= due, f"{text} came again, or late"
            if int(number) != due and gaps == gap_before.get(name, 0):
                assert is_told_later, f"nothing before {text}"
                self.owed = text
            expected[name], gap_before[name] = int(number) + 1, gaps
        self.last = {name: (number, gap_before[name] < gaps) for name, number in expected.items()}


@pytest.fixture
def site(hub: _core.Hub) -> Iterator[CasgiProcess]:
    variables = {
        "PYTHONPATH": os.pathsep.join([str(FOLDER), *(path for path in sys.path if path)]),
        "DJANGO_SETTINGS_MODULE": "crowd_settings",
    }
    options = ("--workers", "2", "-p", "0", "--lifespan", "off", "--hub", hub.path)
    site = CasgiProcess(
        *options, "crowd_application:application", folder=FOLDER, variables=variables
    )
    site.stderr.wait_for(SERVES, 1)
    yield site
    site.close()


@pytest.fixture
def senders(hub: _core.Hub) -> Iterator[subprocess.Popen[str]]:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(FOLDER), *(path for path in sys.path if path)]),
        "DJANGO_SETTINGS_MODULE": "crowd_settings",
        "CASGI_HUB": hub.path,
    }
    senders = subprocess.Popen(
        [sys.executable, str(FOLDER / "crowd_senders.py")],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield senders
    senders.kill()
    senders.communicate()


class Crowd:
    """The members, by worker."""

    def __init__(self, site: CasgiProcess, stack: contextlib.ExitStack) -> None:
        self._site, self._stack = site, stack
        self.members: list[Member] = []
        self.late: set[Member] = set()
        self.slow = self.join("/slow")
        self.fast = self.join_another(self.slow.process)

    def join(self, path: str = "/") -> Member:
        self.members.append(Member(self._site.port(), path, self._stack))
        return self.members[-1]

    def join_another(self, process: int) -> Member:
        """Return a member in another worker than this one, and whoever came on the way."""
        while (member := self.join()).process == process:
            assert len(self.members) < 50, "all come to one worker"
        return member

    def check(self, member: Member) -> None:
        is_told_later = any("The hub is away" in line for line in self._site.stderr.so_far())
        member.check(member in self.late, is_told_later)

    @property
    def open(self) -> list[Member]:
        return [member for member in self.members if member.is_open]


def hold(crowd: Crowd, hub: _core.Hub) -> None:
    """Stop the fast member's worker until it has lost messages; it hears that it has."""
    most = hub.metrics()["peers"] * MOST_UNREAD
    heard, before = len(crowd.fast.heard), hub.metrics()["dropped"]
    until(lambda: len(crowd.fast.heard) > heard + 100, "nobody talks")
    os.kill(crowd.fast.process, signal.SIGSTOP)
    until(lambda: hub.metrics()["dropped"] > before, "nobody lost anything")
    assert 0 < hub.metrics()["unread_bytes"] <= most
    gaps = crowd.fast.heard.count("gap")
    os.kill(crowd.fast.process, signal.SIGCONT)
    until(lambda: crowd.fast.heard.count("gap") > gaps, "no gap was heard")


def replace(crowd: Crowd, site: CasgiProcess, nth: int) -> None:
    """Kill the slow member's worker; another member comes to its successor, and hears all."""
    os.kill(crowd.slow.process, signal.SIGKILL)
    until(lambda: not crowd.slow.is_open, "the killed worker's member is there")
    site.stderr.wait_for(SERVES, 2 + nth)
    others = len(crowd.members)
    crowd.slow = crowd.join("/slow")
    if crowd.slow.process == crowd.fast.process:
        crowd.slow = crowd.join_another(crowd.fast.process)
    crowd.late.update(crowd.members[others:])
    until(lambda: len(crowd.slow.heard) > 10, "the new member hears nothing")


def finish(crowd: Crowd, senders: subprocess.Popen[str]) -> dict[str, int]:
    """End the senders; return how far they came."""
    crowd.fast.say("end")
    output, _ = senders.communicate(timeout=SECONDS)
    assert senders.returncode == 0
    return {name: int(number) for name, number in (line.split() for line in output.splitlines())}


def has_come(crowd: Crowd, member: Member, sent: dict[str, int]) -> bool:
    """Whether the member has heard of each sender's last, or of a gap since it heard of it."""
    crowd.check(member)
    return not member.owed and all(
        name not in member.last or member.last[name][0] == number or member.last[name][1]
        for name, number in sent.items()
    )


def test_nothing_is_lost_in_silence(
    hub: _core.Hub, site: CasgiProcess, senders: subprocess.Popen[str]
) -> None:
    with contextlib.ExitStack() as stack:
        crowd = Crowd(site, stack)
        crowd.fast.say("consumer0")
        for nth in range(ROUNDS):
            crowd.slow.say(f"consumer{nth + 1}")
            hold(crowd, hub)
            replace(crowd, site, nth)
        sent = finish(crowd, senders)
        for member in crowd.open:
            until(partial(has_come, crowd, member, sent), f"a member misses some of {sent}")
    for member in crowd.members:
        crowd.check(member)
