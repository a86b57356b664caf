"""Layers over a real Redis, and a server whose consumers use them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from channels.layers import channel_layers
from original_process import OriginalProcess
from support.django_settings import configure_django
from support.redis_server import RedisServer
from support.server import LiveServer, Serve

configure_django()

from consumers import Room  # noqa: E402

from casgi.channels import RedisChannelLayer, RedisPubSubChannelLayer  # noqa: E402
from casgi.channels.acceleration import acceleration  # noqa: E402

KINDS = {"core": RedisChannelLayer, "pubsub": RedisPubSubChannelLayer}

NewLayer = Callable[..., Any]


@pytest.fixture(scope="session")
def redis_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("redis")


@pytest.fixture(scope="session")
def redis(redis_folder: Path) -> Iterator[RedisServer]:
    """A Redis that all tests share; each has a prefix of its own in it."""
    with RedisServer(redis_folder) as server:
        yield server


@pytest.fixture(scope="session")
def second_redis(redis_folder: Path) -> Iterator[RedisServer]:
    with RedisServer(redis_folder) as server:
        yield server


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that the test may kill."""
    with RedisServer(tmp_path) as server:
        yield server


@pytest.fixture
def prefix() -> str:
    return f"test-{uuid.uuid4().hex[:8]}"


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    """Which of the two layers."""
    name: str = request.param
    return name


@pytest.fixture
def new_layer(kind: str, prefix: str, redis: RedisServer) -> NewLayer:
    """Make layers of the kind with one prefix: `new_layer(capacity=3)`."""

    def make(**options: Any) -> Any:
        return KINDS[kind](**{"hosts": [redis.url], "prefix": prefix, **options})

    return make


@pytest.fixture
def serve_rooms(serve: Serve) -> Iterator[Callable[[Any], LiveServer]]:
    """Serve rooms with the layer: `serve_rooms(layer)`, with acceleration."""
    with ExitStack() as stack:

        def start(layer: Any) -> LiveServer:
            before = channel_layers.set("default", layer)
            stack.callback(channel_layers.set, "default", before)
            server = serve(Room.as_asgi())
            server.call(lambda: acceleration.begin(server.loop))
            stack.callback(server.call, acceleration.end)
            stack.callback(server.forget_clients)
            return server

        yield start


@pytest.fixture
def original(kind: str, prefix: str, redis: RedisServer) -> Iterator[Callable[..., Any]]:
    """Start processes with the original layer of the kind: `original(capacity=3)`."""
    with ExitStack() as stack:

        def start(**options: Any) -> OriginalProcess:
            hosts = [{"address": redis.url, "socket_timeout": None}]
            options = {"hosts": hosts, "prefix": prefix, **options}
            return stack.enter_context(OriginalProcess(kind, options))

        yield start
