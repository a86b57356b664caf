"""docs/from-daphne.md, performed step by step as it stands there on a new project."""

import os
import re
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from frameworks.site_process import SECONDS, CommandProcess
from support.ports import free_port

PAGE = Path(__file__).resolve().parents[2] / "docs" / "from-daphne.md"
STEP = re.compile(r"^## (\d)\. .*?(?=^## )", re.MULTILINE | re.DOTALL)
ACCESS_LINE = re.compile(r'^127\.0\.0\.1:\d+ - - \[\S+\] (".*" \S+ \S+)$', re.MULTILINE)
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)

ASGI = """
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
from django.core.asgi import get_asgi_application
pages = get_asgi_application()
from channels.generic.websocket import WebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path
class Echo(WebsocketConsumer):
    def receive(self, text_data=None, bytes_data=None):
        self.send(text_data=text_data)
application = ProtocolTypeRouter(
    {"http": pages, "websocket": URLRouter([path("ws/", Echo.as_asgi())])}
)
"""
SETTINGS = """
INSTALLED_APPS = [
    "daphne",
    *INSTALLED_APPS,
    "channels",
]
BACKUPS = ["/srv/daphne", "daphne"]
ASGI_APPLICATION = "project.asgi.application"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
DATABASES["default"]["TEST"] = {"NAME": BASE_DIR / "test.sqlite3"}
"""
TESTS = """
import urllib.request
from channels.testing import ChannelsLiveServerTestCase
class LiveTest(ChannelsLiveServerTestCase):
    def test_login_page(self):
        with urllib.request.urlopen(self.live_server_url + "/admin/login/") as response:
            assert b"Django administration" in response.read()
            print("served by", response.headers["Server"])
"""
# What makes daphne as gone as `pip uninstall` does, for one process.
WITHOUT_DAPHNE = """
from importlib.machinery import PathFinder
find_spec = PathFinder.find_spec
PathFinder.find_spec = lambda name, *where: None if name == "daphne" else find_spec(name, *where)
"""


def steps() -> dict[int, list[tuple[str, str]]]:
    """Return the commands of each step, and the output that the page has below each."""
    found: dict[int, list[tuple[str, str]]] = {}
    for step in STEP.finditer(PAGE.read_text()):
        blocks = "".join(CONSOLE.findall(step[0]))
        parts = re.split(r"^\$ (.*)\n", blocks, flags=re.MULTILINE)[1:]
        found[int(step[1])] = list(zip(parts[::2], parts[1::2], strict=True))
    return found


STEPS = steps()


class Project:
    """A project as `startproject` makes it, with Channels, on daphne."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        scripts = sysconfig.get_path("scripts")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("CASGI_")}
        inherited.pop("DJANGO_SETTINGS_MODULE", None)
        self.environment = {**inherited, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
        self.run("django-admin startproject project .")
        (folder / "project" / "asgi.py").write_text(ASGI)
        with (folder / "project" / "settings.py").open("a") as settings:
            settings.write(SETTINGS)
        (folder / "project" / "tests.py").write_text(TESTS)
        (folder / "Procfile").write_text(
            "web: daphne -b 127.0.0.1 -p $PORT --http-timeout 30"
            " --log-fmt '/srv/daphne %(message)s' project.asgi:application\n"
        )
        self.run("python manage.py migrate --verbosity 0")

    def run(self, command: str) -> str:
        """Run a command of a shell; return its output when it succeeds."""
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def serve(self, command: str) -> CommandProcess:
        """Return the process of a command that listens on $PORT, not started yet."""
        port = free_port()
        environment = {**self.environment, "PORT": str(port), "PYTHONUNBUFFERED": "1"}
        log = self.folder / f"{port}.log"
        return CommandProcess(["sh", "-c", f"exec {command}"], port, log, self.folder, environment)

    def answers_of_procfile(self) -> dict[str, object]:
        """Return what a client sees of the Procfile's process."""
        name, _, command = (self.folder / "Procfile").read_text().strip().partition(": ")
        assert name == "web"
        with self.serve(command) as site:
            seen = answers(site)
            site.wait_for_log("WSDISCONNECT")
            return {**seen, "access log": ACCESS_LINE.findall(site.log_text())}


def answers(site: CommandProcess) -> dict[str, object]:
    """Return what a client sees, but for the headers in which servers may differ."""
    seen: dict[str, object] = {}
    for path in ("/", "/admin/login/", "/nothing/"):
        response, body = site.ask("GET", path)
        headers = {name.lower(): value for name, value in response.getheaders()}
        server = headers.pop("server", "")
        for name in (
            "date",
            "expires",
            "set-cookie",
            "connection",
            "transfer-encoding",
            "content-length",
        ):
            headers.pop(name, None)
        text = re.sub(rb'(csrfmiddlewaretoken" value=")\w+|:\d{4,5}\b', b"", body)
        seen[path] = (response.status, headers, text)
        seen["server"] = server.lower()
    with site.websocket("/ws/") as client:
        client.send("hello \N{SNOWMAN}")
        seen["echo"] = client.recv(timeout=SECONDS)
        client.close(1000)
    return seen


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    yield Project(tmp_path_factory.mktemp("from_daphne"))


def test_page_has_five_steps() -> None:
    assert list(STEPS) == [1, 2, 3, 4, 5]
    assert all(STEPS.values())


def test_step_1_brings_the_command(project: Project) -> None:
    assert STEPS[1] == [("pip install ../casgi", "")]
    assert project.run("casgi --version").startswith("casgi ")


def test_step_2_the_word_in_production(project: Project) -> None:
    before = project.answers_of_procfile()
    (change, _), (translate, expected) = STEPS[2]
    assert project.run(translate) == expected
    project.run(change)
    assert "/srv/daphne" in (project.folder / "Procfile").read_text()
    after = project.answers_of_procfile()
    assert (before.pop("server"), after.pop("server")) == ("daphne", "casgi")
    assert len(before["access log"]) == 6  # type: ignore[arg-type]
    assert after == before
    with project.serve("casgi -p $PORT --no-accelerate project.asgi:application") as site:
        unchanged = answers(site)
        assert {**before, **unchanged} == {**before, "server": "casgi"}
        site.wait_for_log("Channels as it is: --no-accelerate")


@pytest.fixture
def settings(project: Project) -> Iterator[Path]:
    """Give the settings as startproject left them, with daphne, and put them back."""
    path = project.folder / "project" / "settings.py"
    text = path.read_text()
    yield path
    path.write_text(text)


def test_step_3_the_word_in_the_settings(project: Project, settings: Path) -> None:
    (change, _), (runserver, _) = STEPS[3]
    project.run(change)
    assert '"casgi",' in settings.read_text() and '"daphne",' not in settings.read_text()
    assert 'BACKUPS = ["/srv/daphne", "daphne"]' in settings.read_text()
    with project.serve(f"{runserver} --noreload $PORT") as site:
        seen = answers(site)
        static, _ = site.ask("GET", "/static/admin/css/base.css")
    assert (seen["server"], seen["echo"], static.status) == ("casgi", "hello \N{SNOWMAN}", 200)


def test_steps_4_and_5_the_tests_and_no_daphne(project: Project, settings: Path) -> None:
    project.run(STEPS[3][0][0])
    (test, _) = STEPS[4][0]
    assert "served by daphne" in project.run(test)
    (uninstall, _), (check, _), (again, _) = STEPS[5]
    assert shlex.split(uninstall) == ["pip", "uninstall", "--yes", "daphne"]
    site_folder = project.folder / "without_daphne"
    site_folder.mkdir()
    (site_folder / "sitecustomize.py").write_text(WITHOUT_DAPHNE)
    path = f"{site_folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    project.environment["PYTHONPATH"] = path
    gone = f"{shlex.quote(sys.executable)} -c 'import daphne' 2>&1 | grep -q ModuleNotFoundError"
    project.run(gone)
    project.run(check)
    assert "served by casgi" in project.run(again)
