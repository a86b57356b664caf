"""Packages around Django see and do the same with ours in place, whichever way requests take.

Each plays the same requests twice in a process of its own, as Django is and with ours: responses
and all that the package reports of them are compared. Three stand for all in the ordinary run;
`make django-packages` installs and plays every one.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django_packages.packages import PACKAGES

FOLDER = os.environ.get("DJANGO_PACKAGES")
"""Where packages are that stay out of the environment of the other tests; then all are played."""
NAMES = list(PACKAGES) if FOLDER else ["whitenoise-and-corsheaders", "sentry-and-allauth", "routed"]
PLAY = Path(__file__).with_name("play.py")
SECONDS = 300
LONG_WAYS = {
    "debug-toolbar": "DebugToolbarMiddleware runs by itself: has async code of its own",
    "sentry-with-spans": " run each by itself: Sentry's SDK has middleware_spans=True",
    "ddtrace": "middleware as it is: django.utils.deprecation.MiddlewareMixin.__call__ was replac",
    "newrelic": "middleware as it is: django.core.handlers.exception.convert_exception_to_respon",
}
"""Those with which Django's own handler runs, and what the log says at the start."""
OTHER_HANDLER = {"routed": 1}
"""So many requests go to a handler that is not Django's for views: the one for static files."""
SILENT = {"routed", "nothing", "whitenoise", "corsheaders", "whitenoise-and-corsheaders", "allauth"}


def _play(name: str, folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(PLAY), name, str(folder)],
        env={**os.environ, "PYTHONPATH": FOLDER or ""},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.mark.timeout(SECONDS + 30)
@pytest.mark.parametrize("name", NAMES)
def test_same(name: str, tmp_path: Path) -> None:
    if not FOLDER and importlib.util.find_spec(PACKAGES[name][0]) is None:
        pytest.skip(f"{PACKAGES[name][0]} is not installed: pip install -e '.[frameworks]'")
    result = _play(name, tmp_path)
    assert result["different"] == []
    assert result["is_left_as_it_was"]
    assert len(set(result["statuses"])) >= 5
    assert (result["reports"] > 0) == (name not in SILENT | {"debug-toolbar"})
    expected = LONG_WAYS.get(name, "together; requests begin with it")
    assert expected in "\n".join([result["line"], *result["reasons"]])
    assert len(result["reasons"]) == ("itself" in expected)
    short = 0 if name in LONG_WAYS else result["requests"] - OTHER_HANDLER.get(name, 0)
    assert result["short"] == short
    assert name in LONG_WAYS or result["trips"] == [2]  # The second closes.
