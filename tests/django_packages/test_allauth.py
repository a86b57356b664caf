"""allauth's middleware runs in the trip, and only as long as nothing could tell."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import django
import pytest

FOLDER = os.environ.get("DJANGO_PACKAGES", "")
SITE = Path(__file__).with_name("allauth_site.py")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a site with it has answered."""
    if not FOLDER and importlib.util.find_spec("allauth") is None:
        pytest.skip("allauth is not installed: pip install -e '.[frameworks]'")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(SITE), str(tmp_path_factory.mktemp("allauth"))],
        env={**os.environ, "PYTHONPATH": FOLDER},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_pages_are_the_same(site: dict[str, Any]) -> None:
    """What the views find, a redirect of "not found", a page with a form, an error."""
    assert site["ours"] == site["stock"]
    bodies = [body for _, _, body in site["ours"]]
    assert bodies[:3] == ["True {}", "True {}", "in the place of an error"]
    assert [status for status, _, _ in site["ours"]][3:] == [302, 200, 404]


def test_trips(site: dict[str, Any]) -> None:
    """One to the view and back, two around an async one; the last closes the response."""
    assert site["trips"]["/found/"] == 2
    assert site["trips"]["/found_async/"] == 3
    assert site["trips"]["/immediate/"] == 2


def test_leaves_no_request_behind(site: dict[str, Any]) -> None:
    """Its variable is as before when request_finished is sent."""
    assert len(site["left"]) > 20
    assert all(site["left"])


def test_client_that_leaves(site: dict[str, Any]) -> None:
    """Under Django 6.1 receivers of request_finished find the request: docs/django.md."""
    if django.VERSION < (5, 0):
        pytest.skip("Django before 5.0 does not look whether the client is there")
    ours, stock = site["leaving"]
    assert stock == [True]
    assert ours == [django.VERSION < (6, 1)]


def test_what_prevents_it(site: dict[str, Any]) -> None:
    """It is noticed at the next request, whose middleware runs in the event loop as ever."""
    assert len(site["changed"]) == 6
    for name, trips in site["changed"].items():
        assert min(trips) > 2, name
