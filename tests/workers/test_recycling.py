"""A worker is replaced after so many requests, so much memory, or so long a time."""

import os
import re
import time

import pytest
from support.casgi_process import DEADLINE
from support.processes import wait_for_end

from casgi.config import Config
from casgi.process_usage import cpu_seconds, resident_bytes
from casgi.supervisor.recycling import Limits


def test_worker_is_replaced_after_its_requests(start):
    site = start("--max-requests", "3", "kept:tell_process")
    old = [site.worker(1), site.worker(2)]
    end = time.monotonic() + DEADLINE
    while not any(re.search("has reached", line) for line in site.stderr.so_far()):
        assert site.worker_of()
        assert time.monotonic() < end
    match = site.stderr.wait_for(
        r"Worker (\d) \(PID (\d+)\) has reached \d+ requests, and is replaced"
    )
    number, pid = int(match[1]), int(match[2])
    assert pid in old
    assert site.worker(number, nth=1) != pid
    wait_for_end(pid)
    assert site.stop() == 0
    assert not [line for line in site.stderr.lines() if "ERROR" in line]


def test_worker_is_replaced_when_it_is_too_large(start):
    site = start("--max-rss", "1", "kept:tell_process")
    site.stderr.wait_for(r"has reached [1-9]\d* MiB.*, and is replaced")
    site.worker(1, nth=1)
    assert site.worker_of()
    assert site.stop() == 0


def test_worker_is_replaced_when_it_is_old(start):
    site = start("--worker-lifetime", "0.5", "kept:tell_process")
    site.stderr.wait_for(r"has reached \d+ s, and is replaced")
    assert site.worker_of()
    assert site.stop() == 0


def test_worker_stays_while_no_successor_can_start(start, tmp_path):
    broken = tmp_path / "broken"
    site = start("--max-requests", "5", "kept:deployed()", variables={"BROKEN": str(broken)})
    old = {site.worker(1), site.worker(2)}
    broken.touch()
    while not any("did not start" in line for line in site.stderr.so_far()):
        assert site.worker_of() in old
    assert site.worker_of() in old
    assert site.stop() == 0


def test_limits_have_jitter_downwards():
    config = Config(max_requests=1000, worker_lifetime=100.0, max_rss=5)
    limits = [Limits.of(config) for _ in range(200)]
    assert all(800 <= each.requests <= 1000 for each in limits)
    assert all(80 <= (each.lifetime or 0) <= 100 for each in limits)
    assert len({each.requests for each in limits}) > 10
    assert {each.rss for each in limits} == {5 * 1024 * 1024}
    assert Limits.of(Config(max_requests=1)).requests == 1


@pytest.mark.parametrize(
    ("limits", "reached"),
    [
        (Limits(), None),
        (Limits(requests=11, lifetime=31.0, rss=1 << 50), None),
        (Limits(requests=10), "10 requests"),
        (Limits(lifetime=5.0), "30 s"),
        (Limits(rss=1), "some MiB"),
    ],
)
def test_what_is_reached(limits, reached):
    told = limits.reached(os.getpid(), 10, 30.0)
    assert (told is None) == (reached is None)
    if told is not None:
        assert told.split()[1:] == reached.split()[1:]


def test_limit_that_no_worker_can_keep():
    told = Limits(rss=1).reached(os.getpid(), 0, 2.0)
    assert told is not None
    assert told.endswith(" MiB 2 s after its start (is --max-rss too low?)")


def test_memory_of_a_process_that_is_not_there():
    assert resident_bytes(2**22 + 1) == 0
    assert cpu_seconds(2**22 + 1) == 0
