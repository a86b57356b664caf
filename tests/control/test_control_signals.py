"""The control socket over SIGHUP, which replaces the workers, and SIGUSR2, which replaces casgi."""

import contextlib
import os
import signal
import sys
from pathlib import Path

import pytest

from casgi.control.client import ControlClient
from casgi.control.protocol import ControlError
from casgi.top.sampling import Sample, Sampler


def sampled(sampler: Sampler) -> Sample:
    """Return a sample as soon as the server answers, as the screen does."""
    while True:
        try:
            return sampler.sample(["workers", "limits"])
        except ControlError:
            continue


def pids(sample: Sample) -> set[int]:
    return {row["pid"] for row in sample.answers["workers"]["rows"]}


def wait_for_other_workers(sampler: Sampler, before: set[int]) -> Sample:
    """Return a sample of two workers that answer, neither of which was there before."""
    while True:
        sample = sampled(sampler)
        answering = {row["worker"] for row in sample.answers["limits"]["rows"]}
        if len(pids(sample)) == 2 and not pids(sample) & before and answering == {1, 2}:
            return sample


# The next program comes to a halt before it has anything, until somebody opens the other end.
HALTING = """\
import os, runpy, sys

class Halt:
    def find_spec(self, name, path=None, target=None):
        if name == "casgi.supervisor.supervisor":
            sys.meta_path.remove(self)
            print("upgraded", flush=True)
            os.close(os.open(os.environ["GO_ON"], os.O_RDONLY))

if os.environ.get("CASGI_UPGRADE", "check").isdecimal():
    sys.meta_path.insert(0, Halt())
sys.argv = ["casgi", *sys.argv[4:]]
runpy.run_module("casgi", run_name="__main__")
"""


def test_who_asks_during_an_upgrade_is_answered_after_it(start_workers, tmp_path):
    go_on = tmp_path / "go-on"
    os.mkfifo(go_on)
    variables = {"GO_ON": str(go_on)}
    site = start_workers(prefix=(sys.executable, "-c", HALTING), variables=variables)
    site.signal(signal.SIGUSR2)
    site.stdout.wait_for("^upgraded$")
    with contextlib.closing(ControlClient(site.path)) as client:
        go_on.write_text("")
        assert {row["worker"] for row in client.ask("workers")["rows"]} == {1, 2}
    site.stderr.wait_for("The workers were replaced$")
    assert site.stop() == 0
    assert not Path(site.path).exists()


@pytest.mark.timeout(300)  # Eleven processes start, one after the other.
def test_control_goes_on_over_both(own_workers):
    site = own_workers
    sampler = Sampler(site.path, 10)
    try:
        first = pids(sampled(sampler))
        site.rows("set", limit="max_connections", value="1234")
        site.signal(signal.SIGHUP)
        second = wait_for_other_workers(sampler, first)
        limits = second.answers["limits"]["rows"]
        assert {row["value"] for row in limits if row["limit"] == "max_connections"} == {1234}
        site.stderr.wait_for("The workers were replaced$")
        site.signal(signal.SIGUSR2)
        wait_for_other_workers(sampler, pids(second) | first)
        site.stderr.wait_for("The workers were replaced$", 1)
        assert site.rows("workers")
        assert site.stop() == 0
        assert not Path(site.path).exists()
    finally:
        sampler.close()
