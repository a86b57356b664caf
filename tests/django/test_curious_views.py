"""What a view can see of its thread, of C code that calls it, of loops and logs: as in Django."""

from __future__ import annotations

import time
from typing import Any

import pytest
from curious_views import STATUSES
from django_sites import Site

DEADLINE = 60.0


@pytest.mark.parametrize("name", ["thread", "callbacks", "loops"])
def test_same(sites: tuple[Site, Site], name: str) -> None:
    """Several times, since a thread is used again."""
    ours, stock = ([site.get(f"/{name}/?who={n}") for n in range(3)] for site in sites)
    assert [status for status, _ in ours] == [200] * 3
    assert ours == stock


def test_logs(sites: tuple[Site, Site]) -> None:
    """Django's own record of an error is written in another thread."""
    found = []
    for site in sites:
        site.get("/noted/")
        assert site.get("/fail/?who=me") == (500, None)
        found.append(site.get("/noted/")[1]["noted"])
    assert found[0] == found[1]
    assert found[0] == [["about to fail", "me"], ["Internal Server Error: /fail/", None]]


@pytest.mark.parametrize("status", STATUSES)
def test_odd_status(sites: tuple[Site, Site], status: str) -> None:
    """Who compares it with a number fails where Django does, outside of all that makes pages."""
    found = []
    for site in sites:
        site.get("/noted/")
        found.append((site.get(f"/odd/?status={status}"), site.get("/noted/")[1]["noted"]))
    assert found[0] == found[1]


def test_what_ends_with_the_thread(sites: tuple[Site, Site]) -> None:
    """It ends there, and nothing of the thread's is left then."""
    for site in sites:
        site.get("/noted/")
        site.get("/leave/")
        assert _noted(site) == [[False, False]]


def _noted(site: Site) -> list[Any]:
    """Return what is noted, as soon as something is: a thread ends behind its response."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        found: list[Any] = site.get("/noted/")[1]["noted"]
        if found:
            return found
    raise AssertionError("nothing was noted")
