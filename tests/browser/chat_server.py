"""Runs the example chat under an ASGI server, as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.ports import free_port
from support.server_process import ServerProcess

CHAT = Path(__file__).resolve().parents[2] / "examples" / "chat"


def migrate(database: Path) -> None:
    """Make the tables of the chat in a new database."""
    command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(command, cwd=CHAT, env=chat_environment(database), check=True, timeout=60)


def chat_environment(database: Path, redis_url: str | None = None) -> dict[str, str]:
    """Return the environment with the settings of the chat in place of any it had."""
    ours = ("CHAT_", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment["CHAT_DATABASE"] = str(database)
    if redis_url is not None:
        environment["REDIS_URL"] = redis_url
    return environment


class ChatServer(ServerProcess):
    """The chat, served by `casgi` or `daphne`."""

    def __init__(self, module: str, folder: Path, redis_url: str | None = None) -> None:
        """Serve the database in a folder, and write the log there."""
        port = free_port()
        command = [sys.executable, "-m", module, "-b", "127.0.0.1", "-p", str(port)]
        command += ["project.asgi:application"]
        environment = chat_environment(folder / "chat.sqlite3", redis_url)
        super().__init__(command, port, folder / "server.log", CHAT, environment)
        self.url = f"http://127.0.0.1:{port}"
