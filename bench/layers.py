"""The channel layers that a Channels project can have, with the Redis that some of them need."""

import contextlib
import json
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.errors import BenchError
from bench.process import POLL_SECONDS, START_SECONDS, child_setup, end_session, free_port
from bench.servers import Server
from bench.usage import SessionUsage

BACKENDS = {
    "memory": "channels.layers.InMemoryChannelLayer",
    "redis": "channels_redis.core.RedisChannelLayer",
    "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer",
}
HOST = "host"
"""What each server needs for groups of all processes of a host: its own hub, or else Redis."""
NAMES = (*BACKENDS, HOST)
PING, PONG = b"PING\r\n", b"+PONG\r\n"


@dataclass(frozen=True)
class Layer:
    """A channel layer as a server is told of it, and what its Redis uses, if it has one."""

    environment: Mapping[str, str]
    usage: SessionUsage | None


def layer_of(name: str, server: Server) -> str:
    """Return the backend that a server has for what was asked for."""
    if name != HOST:
        return name
    return "memory" if server.has_hub else "redis"


@contextlib.contextmanager
def layer(name: str, core: int) -> Iterator[Layer]:
    """Yield a layer; its Redis, on this core, is a new one and ends with the block."""
    settings: dict[str, object] = {"BACKEND": BACKENDS[name]}
    if name == "memory":
        yield Layer({"CHANNEL_LAYER": json.dumps(settings)}, None)
        return
    with _redis(core) as (port, usage):
        # redis-py 8 gives up reading after 5 s, as long as the original layer waits for a message.
        host = {"address": f"redis://127.0.0.1:{port}", "socket_timeout": None}
        settings["CONFIG"] = {"hosts": [host]}
        yield Layer({"CHANNEL_LAYER": json.dumps(settings)}, usage)


@contextlib.contextmanager
def _redis(core: int) -> Iterator[tuple[int, SessionUsage]]:
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    try:
        process = subprocess.Popen(
            ["redis-server", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=child_setup(core),
        )
    except OSError as error:
        raise BenchError(f"redis-server is needed: {error}") from error
    try:
        _wait_until_ready(process, port)
        yield port, SessionUsage(process.pid)
    finally:
        end_session(process)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), START_SECONDS) as client,
        ):
            client.sendall(PING)
            if client.recv(len(PONG)) == PONG:
                return
        time.sleep(POLL_SECONDS)
    raise BenchError("redis-server did not answer")
