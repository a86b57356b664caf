"""A real PostgreSQL server, as a process of its own."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
from pathlib import Path

import psycopg

from support.ports import free_port
from support.server_process import ServerProcess, environment_of_foreign_programs

USER = "casgi"


def postgresql_programs() -> Path | None:
    """Return the folder of the newest server's programs; Debian has them in no PATH."""
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(versions, key=lambda program: int(program.parts[4]), default=None)
    return newest and newest.parent


class PostgresqlServer(ServerProcess):
    """A PostgreSQL with one role, which may do everything, and no durability."""

    stop_signal = signal.SIGINT  # Ends its clients' connections, too.

    def __init__(self, programs: Path, folder: Path) -> None:
        """Make a cluster in a folder that everybody can reach."""
        port = free_port()
        environment = environment_of_foreign_programs()
        data = folder / "data"
        initdb = [str(programs / "initdb"), "--pgdata", str(data), "--username", USER]
        initdb += ["--auth", "trust", "--no-sync"]
        subprocess.run(
            [*_as_nobody(folder), *initdb],
            cwd=folder,
            env=environment,
            check=True,
            timeout=60,
            stdout=subprocess.DEVNULL,
        )
        command = [str(programs / "postgres"), "-D", str(data), "-p", str(port), "-k", ""]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        command = [*_as_nobody(folder), *command]
        super().__init__(command, port, folder / "postgresql.log", folder, environment)
        self.settings = {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": "127.0.0.1",
            "PORT": port,
            "USER": USER,
            "NAME": "postgres",
        }

    def _is_serving(self) -> bool:
        """Whether it answers: it accepts, and refuses to serve, while it is starting up."""
        try:
            psycopg.connect(host="127.0.0.1", port=self.port, user=USER, dbname="postgres").close()
        except psycopg.OperationalError:
            return False
        return True


def _as_nobody(folder: Path) -> list[str]:
    """Return what makes a command run as an ordinary user, if it must: it refuses to be root's."""
    if os.getuid() != 0:
        return []
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    ids = [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}"]
    return ["setpriv", *ids, "--clear-groups"]
