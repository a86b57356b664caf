"""Which files a reload depends on."""

import sys

import pytest

from casgi.api import run
from casgi.errors import ConfigError
from casgi.reloading.changes import Files, check_watchfiles


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("asgi.py", True),
        ("chat/consumers.py", True),
        ("chat/templates/room.html", False),
        ("style.css", False),
        (".hidden.py", False),
        ("~draft.py", False),
        ("asgi.pyc", False),
        ("4913", False),
        ("__pycache__/asgi.py", False),
        (".venv/lib/site-packages/django/http.py", False),
        ("node_modules/a/b.py", False),
    ],
)
def test_python_files_of_the_project_count(tmp_path, name, counts):
    assert Files([str(tmp_path)]).counts(None, str(tmp_path / name)) is counts


def test_more_files_can_be_named(tmp_path):
    files = Files([str(tmp_path)], include=["*.html", ".env", "config/*.toml"])
    for name in ("room.html", ".env", "config/site.toml", "a.py"):
        assert files.counts(None, str(tmp_path / name)), name
    assert not files.counts(None, str(tmp_path / "site.toml"))


def test_files_and_folders_can_be_left_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "made").mkdir()
    files = Files(["."], exclude=["test_*.py", "made"])
    assert files.counts(None, str(tmp_path / "views.py"))
    assert not files.counts(None, str(tmp_path / "chat" / "test_views.py"))
    assert not files.counts(None, str(tmp_path / "made" / "deep" / "views.py"))


def test_a_project_that_lies_in_a_folder_of_those_is_watched(tmp_path):
    project = tmp_path / "node_modules" / "project"
    project.mkdir(parents=True)
    assert Files([str(project)]).counts(None, str(project / "asgi.py"))


def test_folders_within_others_are_watched_once(tmp_path):
    (tmp_path / "src").mkdir()
    files = Files([str(tmp_path / "src"), str(tmp_path), str(tmp_path)])
    assert files.folders == [tmp_path.resolve()]
    assert files.name(str(tmp_path / "src" / "a.py")) == "src/a.py"


def test_folder_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="there is no folder"):
        Files([str(tmp_path / "absent")])


def test_watchfiles_that_is_not_there(monkeypatch):
    check_watchfiles()
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    with pytest.raises(ConfigError, match="pip install watchfiles"):
        check_watchfiles()


def test_programs_do_not_reload():
    with pytest.raises(ConfigError, match="a program is one process"):
        run("absent:application", reload=True)
