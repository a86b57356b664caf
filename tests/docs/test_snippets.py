"""Every block of code and configuration on a page does what the page says."""

from __future__ import annotations

import json
import logging.config
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from packaging.requirements import Requirement
from snippets import ROOT, of_page, snippets
from support.apps import DEADLINE
from support.ports import free_port
from support.server import Serve
from support.server_process import ServerProcess

from casgi.cli import main
from casgi.logging import JsonFormatter

LANGUAGES = {
    "caddy",
    "console",
    "haproxy",
    "json",
    "logrotate",
    "nginx",
    "python",
    "requirements",
    "procfile",
    "supervisor",
    "systemd",
}
LANGUAGES |= {"sh", "text", "toml", "yaml"}
# A page whose Python is run by a file of tests that names it, here or elsewhere.
PYTHON_IS_RUN_BY = {
    "docs/channel-layers.md": "tests/dispatch/test_channel_layers_page.py",
    "docs/channels-2.md": "tests/docs/test_snippets.py",
    "docs/closing.md": "tests/hub/test_closing_page.py",
    "docs/event-loop.md": "tests/docs/test_snippets.py",
    "docs/groups.md": "tests/docs/test_snippets.py",
    "docs/gunicorn.md": "tests/gunicorn/test_gunicorn_worker.py",
    "docs/hub.md": "tests/hub/test_hub_page.py",
    "docs/opentelemetry.md": "tests/status/project/traced.py",
    "docs/python.md": "tests/docs/test_snippets.py",
    "docs/runserver.md": "tests/docs/test_snippets.py",
    "docs/shared-handlers.md": "tests/docs/test_shared_handlers_page.py",
    "docs/testing.md": "tests/testing/example_project.py",
}
APPLICATION = """
async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"served"})
"""


def test_every_block_says_what_it_is() -> None:
    assert [str(one) for one in snippets() if one.language not in LANGUAGES] == []


def test_python_of_every_page_is_run() -> None:
    assert {one.page for one in snippets("python")} == set(PYTHON_IS_RUN_BY)
    for page, tests in PYTHON_IS_RUN_BY.items():
        assert Path(page).name in (ROOT / tests).read_text()


def test_yaml_of_prometheus_names_the_rules() -> None:
    (text,) = of_page("docs/metrics.md", "yaml")
    (file,) = yaml.safe_load(text)["rule_files"]
    assert (ROOT / "deploy" / "prometheus" / file).exists()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the application that the pages name."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "asgi.py").write_text(APPLICATION)
    return tmp_path


PROGRAMS = [*of_page("docs/python.md"), *of_page("docs/event-loop.md")]


@pytest.mark.parametrize("program", [p for p in PROGRAMS if "port=8000" in p])
def test_program_that_serves_until_it_is_stopped(program: str, folder: Path) -> None:
    port = free_port()
    (folder / "program.py").write_text(program.replace("port=8000", f"port={port}"))
    command = [sys.executable, "program.py"]
    with ServerProcess(command, port, folder / "log", folder) as server:
        assert httpx.get(f"http://127.0.0.1:{port}/").text == "served"
        server.stop()
        assert (server.exit_code, "Traceback" in server.log_text()) == (0, False)


@pytest.mark.parametrize("program", [p for p in PROGRAMS if "port=8000" not in p])
def test_program_that_serves_for_a_block(program: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE,
    )
    assert re.search(r"serves at \[\('127\.0\.0\.1', \d+\)\]$", done.stdout, re.MULTILINE)


def namespace_of(text: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {}
    exec(compile(text, "page", "exec"), namespace)
    return namespace


def test_groups_page(serve: Serve) -> None:
    plain, fastapi = of_page("docs/groups.md")
    for application in (namespace_of(plain)["application"], namespace_of(fastapi)["app"]):
        server = serve(application)
        members = [server.websocket("/rooms/den") for _ in range(2)]
        members[1].send_text("first")
        assert members[1].read_text() == "first"  # It is in the group by now.
        members[0].send_text("hello")
        assert members[1].read_text() == "hello"


def test_settings_of_the_runserver_page(tmp_path: Path) -> None:
    (settings,) = of_page("docs/runserver.md")
    (tmp_path / "site_settings.py").write_text(settings + 'STATIC_URL = "/static/"\n')
    command = [sys.executable, "-m", "django", "check", "--settings", "site_settings"]
    subprocess.run([*command, "--pythonpath", str(tmp_path)], check=True, timeout=60)


def test_channels_2_page_has_what_its_project_has() -> None:
    remedy, settings = of_page("docs/channels-2.md")
    project = ROOT / "tests" / "legacy" / "project" / "chat"
    commented = (project / "remedies.py").read_text()
    assert remedy.split() == re.sub(r'^( *""".*"""|# .*)\n', "", commented, flags=re.M).split()
    (host,) = namespace_of(settings)["CHANNEL_LAYERS"]["default"]["CONFIG"]["hosts"]
    assert host["socket_timeout"] is None
    assert '"socket_timeout": None' in (project / "settings.py").read_text()
    (wanted,) = of_page("docs/channels-2.md", "requirements")
    installed = (ROOT / "tests" / "legacy" / "requirements.txt").read_text()
    assert set(wanted.splitlines()) <= set(installed.splitlines())


def test_requirements_are_well_formed() -> None:
    for one in snippets("requirements"):
        assert all(Requirement(line) for line in one.text.splitlines())


def test_logrotate_takes_its_files(tmp_path: Path) -> None:
    for one in snippets("logrotate"):
        file = tmp_path / "site"
        file.write_text(one.text)
        file.chmod(0o644)
        program = shutil.which("logrotate", path=f"{os.environ['PATH']}:/usr/sbin")
        assert program, "scripts/system-packages.sh test installs logrotate"
        command = [program, "--debug", "--state", str(tmp_path / "state"), str(file)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert "error:" not in done.stderr, done.stderr


def test_json_is_json() -> None:
    assert snippets("json")
    for one in snippets("json"):
        json.loads(one.text)


def test_options_in_toml_are_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    for served in ("staticfiles", "media", "public"):
        (folder / served).mkdir(exist_ok=True)
    for one in snippets("toml"):
        Path("pyproject.toml").write_text(one.text)
        context = main.make_context("casgi", [])
        assert context.params["application"] == "project.asgi:application"


def test_dictionary_of_the_logging_page() -> None:
    (text,) = of_page("docs/logging.md", "json")
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        logging.config.dictConfig(json.loads(text))
        assert [type(handler.formatter) for handler in root.handlers] == [JsonFormatter]
    finally:
        root.handlers[:] = before
        root.setLevel(level)
