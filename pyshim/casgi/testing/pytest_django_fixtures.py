"""`live_server` of pytest-django on casgi, for projects with "casgi" in INSTALLED_APPS."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def live_server(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Serve the project for the whole run: HTTP, WebSocket and static files.

    It has `url`, `ws_url`, `live_server + "/path"`, and all that a LiveServer has. A project
    without "casgi" in INSTALLED_APPS gets pytest-django's own.
    """
    from django.apps import apps
    from django.conf import settings

    if not settings.configured or not apps.is_installed("casgi"):
        yield request.getfixturevalue("live_server")
        return
    from casgi.testing.project import PytestDjangoServer

    address = (
        request.config.getoption("liveserver")
        or os.environ.get("DJANGO_LIVE_TEST_SERVER_ADDRESS")
        or "localhost"
    )
    host, _, port = address.partition(":")
    with PytestDjangoServer(host, int(port or 0)) as server:
        yield server
