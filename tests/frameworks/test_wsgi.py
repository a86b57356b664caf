"""WSGI applications: refused with the way out, and served within a2wsgi."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from frameworks.site_process import FOLDER, SiteProcess, require

from casgi.errors import ApplicationImportError
from casgi.legacy import as_asgi3


def django_handler() -> Any:
    from django.core.handlers.wsgi import WSGIHandler

    return object.__new__(WSGIHandler)  # whose making needs a project


def flask_application() -> Any:
    require("flask")
    from flask import Flask

    return Flask("site")


def falcon_application() -> Any:
    require("falcon")
    from falcon import App

    return App()


def with_a_default() -> Any:
    return lambda environ, start_response, errors=None: []


MAKERS = [django_handler, flask_application, falcon_application, with_a_default]


@pytest.mark.parametrize("make", MAKERS)
def test_error_names_the_way_out(make: Callable[[], Any]) -> None:
    with pytest.raises(ApplicationImportError, match=r"WSGI .* a2wsgi\.WSGIMiddleware"):
        as_asgi3(make())


def test_command_says_it_in_one_line() -> None:
    require("flask", "a2wsgi")
    command = [sys.executable, "-m", "casgi", "-p", "0", "flask_site:flask"]
    done = subprocess.run(
        command, cwd=FOLDER / "apps", capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == ApplicationImportError.exit_code
    (line,) = done.stderr.splitlines()
    assert line.startswith("casgi: ") and "a2wsgi.WSGIMiddleware" in line


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteProcess]:
    require("flask", "a2wsgi")
    folder: Path = tmp_path_factory.mktemp("flask")
    with SiteProcess("flask_site:application", folder, folder=FOLDER / "apps") as site:
        yield site


def test_flask_within_a2wsgi(site: SiteProcess) -> None:
    assert site.get("/") == "hello"
    assert site.get("/stream") == "".join(f"{number}\n" for number in range(100))
    assert site.ask("POST", "/body", b"x" * 3_000_000)[1] == b"3000000"
