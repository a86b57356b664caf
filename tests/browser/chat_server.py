"""Runs the example chat under an ASGI server, as a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

CHAT = Path(__file__).resolve().parents[2] / "examples" / "chat"
START_DEADLINE = 30.0
STOP_DEADLINE = 20.0


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_accepting(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when a server takes connections; raise when it ends or takes too long."""
    deadline = time.monotonic() + START_DEADLINE
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.05)
    raise RuntimeError(
        f"The server does not accept connections:\n{log.read_text(errors='replace')}"
    )


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


class ChatServer:
    """The chat, served by `casgi` or `daphne` on a port that stays the same over restarts."""

    def __init__(self, module: str, folder: Path, redis_url: str | None = None) -> None:
        """Serve the database in a folder, and write the log there."""
        self.module = module
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        self.environment = chat_environment(folder / "chat.sqlite3", redis_url)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        command = [sys.executable, "-m", self.module, "-b", "127.0.0.1", "-p", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "project.asgi:application"],
                cwd=CHAT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until_accepting(self.port, self.process, self.log)

    def stop(self) -> None:
        """End the server as an operator would; raise when it does not end."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise RuntimeError(f"The server does not stop:\n{self.log_text()}") from None

    def log_text(self) -> str:
        """Return all that the server has written."""
        return self.log.read_text(errors="replace")
