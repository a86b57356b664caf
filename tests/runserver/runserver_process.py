"""`manage.py runserver` in a copy of a project, so that its files can be changed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from support.ports import free_port
from support.server_process import START_SECONDS, ServerProcess

PROJECT = Path(__file__).parent / "project"
CHANGED = r" changed, reloading\."
STATICFILES = "django.contrib.staticfiles"
OURS = ("SITE_", "CASGI_", "CHAT_", "DJANGO_", "RUN_MAIN", "PYTHONUNBUFFERED")


def environment(first_app: str = "casgi", **variables: str) -> dict[str, str]:
    """Return the environment of a project whose first app is the server."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    apps = f"{first_app} {STATICFILES} channels news"
    return {**inherited, "SITE_APPS": apps, "PYTHONUNBUFFERED": "1", **variables}


def manage(folder: Path, *arguments: str, **options: str) -> subprocess.CompletedProcess[str]:
    """Run a command of manage.py to its end."""
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(**options),
        capture_output=True,
        text=True,
        timeout=60,
    )


class Runserver(ServerProcess):
    """A running `manage.py runserver`."""

    # daphne's says that it serves a little before it does.
    waits_for_port = False

    def __init__(
        self,
        folder: Path,
        log: Path,
        *options: str,
        variables: dict[str, str],
        host: str = "127.0.0.1",
    ) -> None:
        """Serve the project of a folder on a free port of a host, written as in a URL."""
        port = free_port()
        self.folder = folder
        self.url = f"http://{host}:{port}"
        command = [sys.executable, "manage.py", "runserver", *options, f"{host}:{port}"]
        super().__init__(command, port, log, folder, variables)

    def wait_for(self, pattern: str, *, times: int = 1) -> None:
        """Wait until a pattern is in the log so many times."""
        deadline = time.monotonic() + START_SECONDS
        while len(re.findall(pattern, self.log_text())) < times:
            assert time.monotonic() < deadline, f"no {pattern!r}:\n{self.log_text()}"
            assert self.exit_code is None, f"it has ended:\n{self.log_text()}"
            time.sleep(0.02)

    def edit(self, name: str, old: str, new: str) -> None:
        """Change a file of the project, and wait until the reloader has noticed."""
        file = self.folder / name
        text = file.read_text()
        assert old in text
        seen = len(re.findall(CHANGED, self.log_text()))
        file.write_text(text.replace(old, new))
        modified = file.stat().st_mtime
        deadline = time.monotonic() + START_SECONDS
        while len(re.findall(CHANGED, self.log_text())) == seen:
            assert time.monotonic() < deadline, f"no reload:\n{self.log_text()}"
            # A change before its first look at the files is none to the reloader.
            modified += 2
            os.utime(file, (modified, modified))
            time.sleep(0.5)

    def terminate(self) -> None:
        """Ask the process to end."""
        assert self._process is not None
        self._process.terminate()

    def wait(self) -> int:
        """Return the exit code, waiting for the end."""
        assert self._process is not None
        return self._process.wait(START_SECONDS)

    def wait_for_reload(self) -> None:
        """Wait until the server has started again after the last reload."""
        reloads = len(re.findall(CHANGED, self.log_text()))
        self.wait_for("Quit the server with CONTROL-C", times=reloads + 1)

    def kill(self) -> None:
        """End the process, and with it the one that it watches over."""
        if self.exit_code is None and self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                super().kill()

    def _wait_until_accepting(self) -> None:
        self.wait_for("Quit the server with CONTROL-C")
        if self.waits_for_port:
            super()._wait_until_accepting()


StartRunserver = Callable[..., Runserver]
"""The fixture `runserver`."""
