"""Several real Redis servers that know each other: with a sentinel, and as a Redis Cluster."""

from __future__ import annotations

import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from support.ports import free_port
from support.redis_server import RedisServer
from support.server_process import ServerProcess, environment_of_foreign_programs

SECONDS = 60.0
# After so long without an answer the master counts as gone: a machine holds it up for less.
GONE_MILLISECONDS = 5000
SLOTS = 16384
MASTERS = 3


def command(port: int, *words: object) -> str:
    """Return what a server answers."""
    line = ["redis-cli", "-p", str(port), *map(str, words)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=SECONDS, check=True)
    return done.stdout.strip()


def wait_for(port: int, words: tuple[object, ...], expected: str) -> None:
    """Wait until the answer has a text in it."""
    deadline = time.monotonic() + SECONDS
    while expected not in (answer := command(port, *words)):
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)


class SentinelServers:
    """A master, its replica, and a sentinel that promotes it."""

    name = "mymaster"

    def __init__(self, folder: Path) -> None:
        """Run in a folder, which has to exist."""
        self.master = RedisServer(folder)
        self.replica = RedisServer(folder, "--replicaof", "127.0.0.1", str(self.master.port))
        self.port = free_port()
        # The sentinel writes what it learns into its file.
        configuration = folder / "sentinel.conf"
        configuration.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {folder}\n"
            f"sentinel monitor {self.name} 127.0.0.1 {self.master.port} 1\n"
            f"sentinel down-after-milliseconds {self.name} {GONE_MILLISECONDS}\n"
            f"sentinel failover-timeout {self.name} 5000\n"
        )
        self._sentinel = ServerProcess(
            ["redis-server", str(configuration), "--sentinel"],
            self.port,
            folder / "sentinel.log",
            folder,
            environment_of_foreign_programs(),
        )
        self._stack = ExitStack()

    @property
    def doomed(self) -> RedisServer:
        """The master that has a replica."""
        return self.master

    @property
    def hosts(self) -> list[dict[str, object]]:
        """How the settings of a layer name them."""
        return [{"sentinels": [("127.0.0.1", self.port)], "master_name": self.name}]

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for server in (self.master, self.replica):
                stack.enter_context(server)
            wait_for(self.replica.port, ("info", "replication"), "master_link_status:up")
            stack.enter_context(self._sentinel)
            # It knows of the replica by what the master says every ten seconds.
            wait_for(self.port, ("sentinel", "replicas", self.name), str(self.replica.port))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


class ClusterServers:
    """Three masters with a third of the slots each, and a replica of the first."""

    def __init__(self, folder: Path) -> None:
        """Run in a folder, which has to exist."""
        self.servers = [self._server(folder, number) for number in range(MASTERS + 1)]
        self.replica = self.servers[-1]
        self._stack = ExitStack()

    @staticmethod
    def _server(folder: Path, number: int) -> RedisServer:
        own = folder / f"node-{number}"
        own.mkdir()
        options = ["--cluster-enabled", "yes", "--cluster-port", str(free_port())]
        return RedisServer(own, *options, "--cluster-node-timeout", "2000")

    @property
    def doomed(self) -> RedisServer:
        """The master that has a replica."""
        return self.servers[0]

    @property
    def hosts(self) -> list[str]:
        """How the settings of a layer name them: one of them is enough."""
        return [self.servers[1].url]

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for server in self.servers:
                stack.enter_context(server)
            self._join()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _join(self) -> None:
        first = self.servers[0].port
        for number, server in enumerate(self.servers[:MASTERS]):
            begin, end = SLOTS * number // MASTERS, SLOTS * (number + 1) // MASTERS - 1
            command(server.port, "cluster", "addslotsrange", begin, end)
            command(server.port, "cluster", "set-config-epoch", number + 1)
        for server in self.servers[1:]:
            bus = server.option("--cluster-port")
            command(first, "cluster", "meet", "127.0.0.1", server.port, bus)
        for server in self.servers:
            wait_for(server.port, ("cluster", "info"), "cluster_state:ok")
            wait_for(server.port, ("cluster", "info"), f"cluster_known_nodes:{MASTERS + 1}")
        master = command(first, "cluster", "myid")
        command(self.replica.port, "cluster", "replicate", master)
        wait_for(self.replica.port, ("info", "replication"), "master_link_status:up")
        for server in self.servers:
            wait_for(server.port, ("cluster", "nodes"), f"slave {master}")
