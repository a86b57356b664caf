"""The test-suite of channels_redis, from its source distribution, on servers of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Self

from support.ports import free_port
from support.redis_server import RedisServer
from support.server_process import ServerProcess, environment_of_foreign_programs

ROOT = Path(__file__).parents[3]
SENTINEL = """
port {port}
bind 127.0.0.1
requirepass channels_redis
sentinel monitor sentinel 127.0.0.1 {redis_port} 1
"""
DEADLINE = 400.0


class SuiteRun:
    """Some files of the suite, run by a pytest of their own with casgi's layers in place."""

    def __init__(self, folder: Path, files: tuple[str, ...]) -> None:
        """Start it; `folder` has the source distribution's tests."""
        self._redis = RedisServer(folder)
        self._sentinel = _sentinel(folder, self._redis.port)
        self._log = folder / f"{files[0]}.log"
        self._redis.start()
        self._sentinel.start()
        command = [sys.executable, "-m", "pytest", "-q", "-p", "casgi_in_place", "-p"]
        command += ["no:cacheprovider", "-o", "asyncio_default_fixture_loop_scope=function"]
        # channels_redis 4.2 calls what Channels 4.3 calls deprecated.
        command += ["-W", "error", "-W", "ignore:valid_:DeprecationWarning"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, *(f"tests/{file}" for file in files)],
                cwd=folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._sentinel.kill()
        self._redis.kill()

    def passed(self) -> int:
        """Return how many tests have passed; fail unless all have."""
        code = self._process.wait(DEADLINE)
        output = self._log.read_text()
        assert code == 0, output
        counts = {what: int(count) for count, what in re.findall(r"(\d+) (\w+)", output)}
        assert "skipped" not in counts, output
        # What the original is known to fail may pass here.
        return counts["passed"] + counts.get("xpassed", 0)

    def _environment(self) -> dict[str, str]:
        paths = [str(ROOT / "pyshim"), str(Path(__file__).parent)]
        ports = {"REDIS_PORT": self._redis.port, "SENTINEL_PORT": self._sentinel.port}
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            **{name: str(port) for name, port in ports.items()},
        }


def _sentinel(folder: Path, redis_port: int) -> ServerProcess:
    port = free_port()
    configuration = folder / f"sentinel-{port}.conf"
    configuration.write_text(SENTINEL.format(port=port, redis_port=redis_port))
    command = ["redis-server", str(configuration), "--sentinel"]
    log = folder / f"sentinel-{port}.log"
    return ServerProcess(command, port, log, folder, environment_of_foreign_programs())
