"""ChannelsLiveServerTestCase in an environment that has no daphne."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from example_project import copy_project, environment, examples, passed, run_pytest

CASE = "test_channels_case.py"
SPAWN = """
import multiprocessing

multiprocessing.set_start_method("{method}")
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter with this one's packages, except daphne and what it is made of."""
    folder = tmp_path_factory.mktemp("without_daphne")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=60)
    python = str(folder / "bin" / "python")
    found = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    packages = Path(found.stdout.strip())
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.lower().startswith(("daphne", "twisted", "autobahn")):
            (packages / entry.name).symlink_to(entry)
    return python


def run(python: str, folder: Path, code: str) -> str:
    """Return what code prints, with the guestbook's settings."""
    variables = environment(DJANGO_SETTINGS_MODULE="site_of_testing.settings")
    ended = subprocess.run(
        [python, "-c", code],
        cwd=folder,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    return ended.stdout


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_case_with_pytest(python: str, tmp_path: Path, method: str) -> None:
    folder = copy_project(tmp_path)
    (folder / CASE).write_text(examples()[CASE])
    (folder / "conftest.py").write_text(SPAWN.format(method=method))
    database = str(tmp_path / "test.sqlite3")
    assert passed(run_pytest(folder, CASE, python=python, SITE_TEST_DATABASE=database)) == 1


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_case_with_manage_py(python: str, tmp_path: Path, method: str) -> None:
    folder = copy_project(tmp_path)
    (folder / CASE).write_text(SPAWN.format(method=method) + examples()[CASE])
    ended = subprocess.run(
        [python, "manage.py", "test", "--noinput"],
        cwd=folder,
        env=environment(SITE_TEST_DATABASE=str(tmp_path / "test.sqlite3")),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    assert "Ran 1 test" in ended.stderr


def test_only_that_import_is_stood_in_for(python: str, tmp_path: Path) -> None:
    folder = copy_project(tmp_path)
    code = """
import importlib.util, django
django.setup()
from channels.testing import ChannelsLiveServerTestCase
print(ChannelsLiveServerTestCase.ProtocolServerProcess.__module__)
print(importlib.util.find_spec("daphne"))
try:
    import daphne
except ImportError as error:
    print(error)
"""
    said = run(python, folder, code).splitlines()
    assert said == ["casgi.testing.daphne", "None", "No module named 'daphne'"]
    assert run(sys.executable, folder, code).startswith("daphne.testing\n")


def test_without_the_app_it_is_asked_for(python: str, tmp_path: Path) -> None:
    folder = copy_project(tmp_path)
    before = "import django.conf; django.conf.settings.configure()\n"
    load = "from channels.testing import ChannelsLiveServerTestCase as case\n"
    ask = "from casgi.testing import stand_in_for_daphne; stand_in_for_daphne()\n"
    say = "print(case.ProtocolServerProcess.__module__)"
    assert "No module named 'daphne'" in run(python, folder, before + load + say)
    assert run(python, folder, before + ask + ask + load + say) == "casgi.testing.daphne\n"


@pytest.mark.parametrize("first", ["", "import channels.layers, channels.consumer\n"])
def test_import_by_its_own_name_whatever_came_first(
    python: str, tmp_path: Path, first: str
) -> None:
    folder = copy_project(tmp_path)
    code = f"""
import django
{first}django.setup()
from daphne.testing import DaphneProcess
from channels.testing import ChannelsLiveServerTestCase
print(DaphneProcess.__module__, ChannelsLiveServerTestCase.ProtocolServerProcess is DaphneProcess)
"""
    assert run(python, folder, code) == "casgi.testing.daphne True\n"
