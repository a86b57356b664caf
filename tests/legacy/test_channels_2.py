"""A chat of 2018, on Channels 2.1.3 with its double callables, served by casgi as it is."""

import http.client
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from legacy.environment import ROOT, RegistryUnreachable, legacy_python
from support.ports import free_port
from support.redis_server import RedisServer
from support.server_process import ServerProcess
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

PROJECT = Path(__file__).parent / "project"
SECONDS = 20
# The first one installs Channels 2.
pytestmark = pytest.mark.timeout(400)
LAYERS = ["memory", "redis"]


class Site:
    """The project, served."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self._origin = f"http://127.0.0.1:{server.port}"

    def request(self, method: str, path: str, **fields: str) -> http.client.HTTPResponse:
        """Return the response, read; `fields` are posted as a form."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=SECONDS)
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if fields else {}
        connection.request(method, path, urlencode(fields) if fields else None, headers)
        response = connection.getresponse()
        response.body = response.read()  # type: ignore[attr-defined]
        connection.close()
        return response

    def connect(self, path: str, cookie: str = "", origin: str | None = None) -> ClientConnection:
        """Return a WebSocket, opened from a page of the site."""
        url = f"ws://127.0.0.1:{self.server.port}{path}"
        headers = {"Cookie": cookie} if cookie else {}
        return connect(
            url,
            origin=origin or self._origin,  # type: ignore[arg-type]
            additional_headers=headers,
            open_timeout=SECONDS,
            compression=None,
        )

    def log_in(self) -> str:
        """Return the cookie of a session of anna's."""
        response = self.request("POST", "/login/", username="anna", password="secret")
        assert response.status == 200
        cookies = response.headers.get_all("Set-Cookie") or []
        return next(c.partition(";")[0] for c in cookies if c.startswith("sessionid="))


@pytest.fixture(scope="module")
def python() -> Path:
    try:
        return legacy_python()
    except RegistryUnreachable as error:
        pytest.skip(f"Channels 2.1.3 cannot be installed: {error}")


@pytest.fixture(scope="module")
def environment(python: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the variables of a process of the project, whose database has anna in it."""
    database = tmp_path_factory.mktemp("legacy") / "chat.sqlite3"
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("CASGI_")}
    variables = {
        **inherited,
        "CHAT_DATABASE": str(database),
        "DJANGO_SETTINGS_MODULE": "chat.settings",
        "PYTHONPATH": f"{ROOT / 'pyshim'}{os.pathsep}{PROJECT}",
        "PYTHONUNBUFFERED": "1",
    }
    make_anna = (
        "import django; django.setup();"
        "from django.core.management import call_command; call_command('migrate', verbosity=0);"
        "from django.contrib.auth.models import User;"
        "User.objects.create_user('anna', password='secret')"
    )
    subprocess.run([python, "-c", make_anna], env=variables, check=True, timeout=60)
    return variables


@pytest.fixture(scope="module", params=LAYERS)
def site(
    request: pytest.FixtureRequest,
    python: Path,
    environment: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    port = free_port()
    command = [str(python), "-m", "casgi", "-p", str(port), "chat.asgi:application"]
    redis = RedisServer(folder) if request.param == "redis" else None
    variables = dict(environment)
    if redis is not None:
        redis.start()
        variables["CHAT_REDIS"] = redis.url
    try:
        with ServerProcess(command, port, folder / "casgi.log", PROJECT, variables) as server:
            yield Site(server)
            server.stop()
    finally:
        if redis is not None:
            redis.stop()


@pytest.fixture
def room() -> str:
    """A room of this test only: the goodbyes of the clients before would be heard in theirs."""
    return uuid.uuid4().hex


Say = Callable[[ClientConnection, str], None]


def say_text(client: ClientConnection, text: str) -> None:
    client.send(text)


def say_json(client: ClientConnection, text: str) -> None:
    client.send(json.dumps({"text": text}))


def heard(client: ClientConnection) -> tuple[str, str]:
    """Return who said what, of the next message."""
    message = json.loads(client.recv(timeout=SECONDS))
    return message["user"], message["text"]


@pytest.mark.parametrize(("kind", "say"), [("sync", say_text), ("async", say_json)])
def test_two_chat(site: Site, room: str, kind: str, say: Say) -> None:
    path = f"/ws/{kind}/{room}/"
    with site.connect(path, site.log_in()) as anna, site.connect(path) as guest:
        say(guest, "hello")
        assert heard(guest) == heard(anna) == ("AnonymousUser", "hello")
        for number in range(50):
            say(anna, str(number))
        expected = [("anna", str(number)) for number in range(50)]
        assert [heard(guest) for _ in range(50)] == expected
        assert [heard(anna) for _ in range(50)] == expected
        guest.close(4001)
        assert heard(anna) == ("", "left with 4001")


def test_consumers_of_both_kinds_share_a_room(site: Site, room: str) -> None:
    sync, asynchronous = site.connect(f"/ws/sync/{room}/"), site.connect(f"/ws/async/{room}/")
    with sync as first, asynchronous as second:
        say_text(first, "one")
        assert heard(first) == heard(second)
        say_json(second, "two")
        assert heard(first) == heard(second) == ("AnonymousUser", "two")


def test_pages(site: Site) -> None:
    assert site.request("POST", "/login/", username="anna", password="wrong").status == 403
    assert site.request("GET", "/api/").body == b'{"user":"AnonymousUser"}'  # type: ignore[attr-defined]
    schema = json.loads(site.request("GET", "/schema.json").body)  # type: ignore[attr-defined]
    assert "/api/" in schema["paths"]
    assert site.request("GET", "/nothing/").status == 404


@pytest.mark.parametrize("origin", ["http://chat.test", "https://www.chat.test:8443"])
def test_origin_of_an_allowed_host(site: Site, room: str, origin: str) -> None:
    with site.connect(f"/ws/async/{room}/", origin=origin) as client:
        say_json(client, "hello")
        assert heard(client) == ("AnonymousUser", "hello")


@pytest.mark.parametrize("origin", ["http://evil.test", "http://chat.test.evil", "null"])
def test_origin_of_another_host_is_denied(site: Site, room: str, origin: str) -> None:
    with pytest.raises(InvalidStatus) as caught:
        site.connect(f"/ws/async/{room}/", origin=origin)
    assert caught.value.response.status_code == 403


def test_exception_in_a_handler_is_logged(site: Site, room: str) -> None:
    with site.connect(f"/ws/async/{room}/") as client:
        say_json(client, "fail")
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=SECONDS)
    assert "ValueError: as it was asked to" in site.server.log_text()
    assert "CancelledError" not in site.server.log_text()


def test_channels_is_left_as_it_is(site: Site) -> None:
    assert "Channels as it is: Channels 2.1.3 is not one of the releases" in site.server.log_text()


def test_it_is_the_python_of_the_tests(python: Path) -> None:
    said = subprocess.run([python, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.split()[1].startswith(f"{sys.version_info.major}.{sys.version_info.minor}.")
