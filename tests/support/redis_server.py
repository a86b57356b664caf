"""A real Redis server, as a process of its own."""

from __future__ import annotations

from pathlib import Path

from support.ports import free_port
from support.server_process import ServerProcess, environment_of_foreign_programs


class RedisServer(ServerProcess):
    """A Redis that keeps nothing: after `stop` or `kill`, `start` gives an empty one."""

    def __init__(self, folder: Path, *options: str) -> None:
        """Run in a folder, with options as `redis-server` takes them on its command line."""
        port = free_port()
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port)]
        command += ["--save", "", "--appendonly", "no", *options]
        log = folder / f"redis-{port}.log"
        super().__init__(command, port, log, folder, environment_of_foreign_programs())
        self.url = f"redis://127.0.0.1:{port}"

    def option(self, name: str) -> str:
        """Return what follows an option on the command line."""
        return self._command[self._command.index(name) + 1]
