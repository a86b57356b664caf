"""SIGHUP replaces the workers one by one, and stops at the first that cannot start."""

import contextlib
import http.client
import os
import signal

from support.casgi_process import DEADLINE
from support.processes import is_alive, wait_for_end


def test_reload_replaces_every_worker(start):
    site = start("kept:tell_process")
    old = [site.worker(1), site.worker(2)]
    site.signal(signal.SIGHUP)
    site.stderr.wait_for("The workers were replaced$")
    new = [site.worker(1, nth=1), site.worker(2, nth=1)]
    assert not set(old) & set(new)
    for pid in old:
        wait_for_end(pid)
    assert site.worker_of() in new
    assert site.stop() == 0


def test_next_worker_is_replaced_when_the_one_before_has_ended(start):
    site = start("kept:tell_process")
    site.worker(2)
    site.signal(signal.SIGHUP)
    site.stderr.wait_for("The workers were replaced$")
    assert site.stop() == 0
    told = [line for line in site.stderr.lines() if ") serves" in line or "Shutting down" in line]
    order = ["serves" if "serves" in line else "shuts down" for line in told[2:6]]
    assert order == ["serves", "shuts down"] * 2


def test_reload_stops_at_the_first_worker_that_cannot_start(start, tmp_path):
    broken = tmp_path / "broken"
    site = start("kept:deployed()", variables={"BROKEN": str(broken)})
    old = [site.worker(1), site.worker(2)]
    broken.touch()
    site.signal(signal.SIGHUP)
    site.stderr.wait_for("The new worker did not start: the others stay as they are$")
    assert all(map(is_alive, old))
    assert site.worker_of() in old
    broken.unlink()
    site.signal(signal.SIGHUP)
    site.stderr.wait_for("The workers were replaced$")
    assert site.stop() == 0
    raised = [line for line in site.stderr.lines() if "RuntimeError: a broken release" in line]
    assert len(raised) == 1


def test_stop_during_a_reload(start, tmp_path):
    site = start("kept:tell_process")
    site.worker(2)
    site.signal(signal.SIGHUP)
    site.stderr.wait_for("Replacing the workers$")
    assert site.stop() == 0


def test_worker_killed_during_a_reload(start):
    site = start("kept:tell_process")
    first, second = site.worker(1), site.worker(2)
    site.signal(signal.SIGHUP)
    site.stderr.wait_for("Replacing the workers$")
    os.kill(second, signal.SIGKILL)
    site.stderr.wait_for("The workers were replaced$")
    wait_for_end(first)
    assert site.worker_of()
    assert site.stop() == 0


def test_reload_that_comes_during_one_follows_it(start):
    site = start("kept:tell_process")
    site.worker(2)
    site.signal(signal.SIGHUP)
    site.worker(1, nth=1)
    site.signal(signal.SIGHUP)
    site.stderr.wait_for("The workers were replaced$", 1)
    assert {site.worker_of()} <= {site.worker(1, nth=2), site.worker(2, nth=2)}
    assert site.stop() == 0


def test_reload_that_comes_while_a_worker_cannot_be_recycled_is_not_lost(start, tmp_path):
    broken = tmp_path / "broken"
    site = start("--max-requests", "5", "kept:deployed()", variables={"BROKEN": str(broken)})
    site.worker(2)
    broken.touch()
    while not any("the old one stays" in line for line in site.stderr.so_far()):
        assert site.worker_of()
    broken.unlink()
    site.signal(signal.SIGHUP)
    site.stderr.wait_for("The workers were replaced$")
    assert site.stop() == 0


def test_worker_that_dies_while_the_one_before_leaves_is_replaced_at_once(start):
    site = start("--linger", "60", "kept:tell_process")
    old, _ = site.worker(1), site.worker(2)
    with contextlib.ExitStack() as connections:
        while True:  # until one is kept alive at the first worker
            kept = http.client.HTTPConnection("127.0.0.1", site.port(), timeout=DEADLINE)
            connections.callback(kept.close)
            kept.request("GET", "/")
            if int(kept.getresponse().read()) == old:
                break
        site.signal(signal.SIGHUP)
        os.kill(site.worker(1, nth=1), signal.SIGKILL)
        site.worker(1, nth=2)
        assert is_alive(old)
    site.stderr.wait_for("The workers were replaced$")
    assert site.stop() == 0


def test_fewer_workers_during_a_reload_do_not_end_it(start):
    site = start("kept:tell_process", workers=3)
    site.worker(3)
    site.worker(2)
    site.signal(signal.SIGHUP)
    site.worker(1, nth=1)
    site.signal(signal.SIGTTOU)
    site.stderr.wait_for("The workers were replaced$")
    assert not [line for line in site.stderr.so_far() if "did not start" in line]
    assert site.stop() == 0
