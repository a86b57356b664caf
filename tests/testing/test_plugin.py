"""The plugin for pytest, in projects of several kinds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from example_project import copy_project, environment, passed, run_pytest

SERVER = """
import httpx


def test_server(live_server):
    assert str(live_server) == live_server.url == live_server + ""
    assert httpx.get(live_server.url).headers["server"].startswith("{server}")
    assert {more}
"""
WITHOUT_CASGI = "django.contrib.staticfiles channels guestbook"


def write(tmp_path: Path, test: str) -> Path:
    folder = copy_project(tmp_path)
    (folder / "test_it.py").write_text(test)
    return folder


def test_plugin_loads_nothing_before_it_is_used() -> None:
    code = """
import sys, pytest
before = set(sys.modules)
import casgi.testing.pytest_plugin
print(*sorted(set(sys.modules) - before))
"""
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True, timeout=60
    ).stdout.split()
    own = [name for name in loaded if name.startswith("casgi")]
    assert own == [
        "casgi",
        "casgi.lazy",
        "casgi.testing",
        "casgi.testing.pytest_plugin",
        "casgi.testing.stand_in",
    ]
    assert not {"asyncio", "django", "multiprocessing", "websockets"} & set(loaded)


def test_django_does_not_load_the_server(tmp_path: Path) -> None:
    code = """
import sys, django
django.setup()
print(*sorted(name for name in sys.modules if name.startswith("casgi")))
"""
    folder = copy_project(tmp_path)
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment(DJANGO_SETTINGS_MODULE="site_of_testing.settings"),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
    ).stdout.split()
    assert "casgi.apps" in loaded
    assert "casgi._core" not in loaded


def test_live_server_serves_asgi(tmp_path: Path) -> None:
    more = 'live_server.ws_url == live_server.url.replace("http", "ws")'
    folder = write(tmp_path, SERVER.format(server="casgi", more=more))
    assert passed(run_pytest(folder, "test_it.py")) == 1


def test_live_server_takes_its_address_from_pytest_django(tmp_path: Path) -> None:
    folder = write(tmp_path, SERVER.format(server="casgi", more='live_server.host == "127.0.0.1"'))
    assert passed(run_pytest(folder, "test_it.py", "--liveserver", "127.0.0.1")) == 1
    variables = {"DJANGO_LIVE_TEST_SERVER_ADDRESS": "127.0.0.1"}
    assert passed(run_pytest(folder, "test_it.py", **variables)) == 1


def test_live_server_is_pytest_djangos_without_the_app(tmp_path: Path) -> None:
    folder = write(tmp_path, SERVER.format(server="WSGIServer", more="live_server.thread"))
    assert passed(run_pytest(folder, "test_it.py", SITE_APPS=WITHOUT_CASGI)) == 1


def test_without_pytest_django_there_is_no_live_server(tmp_path: Path) -> None:
    folder = write(tmp_path, SERVER.format(server="", more="True"))
    (folder / "pytest.ini").write_text("[pytest]\n")
    ran = run_pytest(folder, "test_it.py", "-p", "no:django")
    assert "fixture 'live_server' not found" in ran.stdout


CONNECTIONS = """
import httpx
import pytest
from casgi.testing import LiveServer
from casgi.testing.project import project_application
from django.db import connection
from django.db.backends.signals import connection_created


@pytest.mark.django_db(transaction=True)
def test_connections(ws_connect):
    opened = []

    def remember(connection, **details):
        opened.append(connection)

    connection_created.connect(remember)
    with LiveServer(project_application()) as server:
        assert httpx.get(server + "/entries/").json() == []
        client = ws_connect(server + "/ws/guestbook/")
        client.send("hello")
        assert client.recv() == "hello"
    connection_created.disconnect(remember)
    assert len(opened) == 2
    assert [one.connection for one in opened] == [None, None]
    assert connection.connection is not None
"""


def test_connections_of_the_server_end_with_it(tmp_path: Path) -> None:
    assert passed(run_pytest(write(tmp_path, CONNECTIONS), "test_it.py")) == 1


NO_WEBSOCKETS = """
import sys

sys.modules["websockets.sync.client"] = None


def test_server(ws_connect):
    pass
"""


def test_ws_connect_says_what_is_missing(tmp_path: Path) -> None:
    ran = run_pytest(write(tmp_path, NO_WEBSOCKETS), "test_it.py")
    assert ran.returncode == 1
    assert "The fixture ws_connect needs websockets: pip install websockets" in ran.stdout


ORIGINS = """
import pytest
from websockets.exceptions import InvalidStatus


def test_origin(live_server, ws_connect):
    ws_connect(live_server + "/ws/guestbook/")
    ws_connect(live_server.ws_url + "/ws/guestbook/", origin="http://example.com")
    for origin in ("http://example.org", None):
        with pytest.raises(InvalidStatus):
            ws_connect(live_server + "/ws/guestbook/", origin=origin)
"""


def test_ws_connect_has_an_origin(tmp_path: Path) -> None:
    assert passed(run_pytest(write(tmp_path, ORIGINS), "test_it.py")) == 1


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("None", "Set ASGI_APPLICATION"),
        ('"nowhere.app"', "No module named 'nowhere'"),
        ('"wsgiref.simple_server.demo_app"', "a2wsgi"),
    ],
)
def test_casgi_server_without_an_application(tmp_path: Path, setting: str, complaint: str) -> None:
    folder = write(tmp_path, "def test_server(casgi_server):\n    casgi_server()\n")
    with (folder / "site_of_testing" / "settings.py").open("a") as settings:
        settings.write(f"ASGI_APPLICATION = {setting}\n")
    ran = run_pytest(folder, "test_it.py")
    assert ran.returncode == 1
    assert complaint in ran.stdout


HANDSHAKES = """
import httpx
import pytest
{first}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("bind", ["localhost", "127.0.0.1"])
def test_server_of_a_test(casgi_server, ws_connect, bind):
    server = casgi_server(bind=bind)
    assert httpx.get(server.url).status_code == 200
    ws_connect(server + "/ws/guestbook/").close()
    with pytest.raises(Exception, match="403"):
        ws_connect(server + "/ws/guestbook/", origin="http://elsewhere.example")


def test_live_server(live_server, ws_connect):
    assert httpx.get(live_server.url).status_code == 200
    ws_connect(live_server + "/ws/guestbook/").close()


def test_nothing_stays(settings):
    assert "127.0.0.1" not in settings.ALLOWED_HOSTS
"""


@pytest.mark.parametrize("first", ["", "import site_of_testing.asgi"], ids=["late", "early"])
def test_project_that_allows_no_host(tmp_path: Path, first: str) -> None:
    """As a new project has it; its application may be imported before the test's settings apply."""
    folder = write(tmp_path, HANDSHAKES.format(first=first))
    assert passed(run_pytest(folder, SITE_HOSTS="")) == 4
