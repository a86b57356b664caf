"""What sites of Django share: their database, with an administrator."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from frameworks.site_process import FOLDER, SiteProcess

PROJECT = FOLDER / "django_project"
PREPARE = """
import django
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
call_command("migrate", verbosity=0)
User.objects.create_superuser("root", password="secret")
"""

ServeDjango = Callable[..., SiteProcess]


@pytest.fixture(scope="session")
def django_variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment of processes of the project, whose database is ready."""
    variables = {
        "SITE_DATABASE": str(tmp_path_factory.mktemp("django") / "site.sqlite3"),
        "DJANGO_SETTINGS_MODULE": "pages.settings",
    }
    subprocess.run(
        [sys.executable, "-c", PREPARE],
        cwd=PROJECT,
        env={**os.environ, **variables},
        check=True,
        timeout=60,
    )
    return variables


@pytest.fixture(scope="session")
def serve_django(
    django_variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServeDjango]:
    """Return what serves the project: within which middleware, and with which packages."""
    with ExitStack() as running:

        def serve(
            application: str = "pages.asgi:application", parts: str = "", folder: Path | None = None
        ) -> SiteProcess:
            folder = folder or tmp_path_factory.mktemp("site")
            variables = {**django_variables, "SITE_PARTS": parts, "TMPDIR": str(folder)}
            site = SiteProcess(application, folder, folder=PROJECT, **variables)
            return running.enter_context(site)

        yield serve
