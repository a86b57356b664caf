"""Hubs of several hosts, joined by one Redis, by Sentinel, or by a Redis Cluster."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.django_settings import configure_django
from support.redis_server import RedisServer
from support.redis_servers import ClusterServers

configure_django()

from casgi import _core  # noqa: E402
from casgi.channels import RedisHubChannelLayer  # noqa: E402
from casgi.channels.hosts import candidate  # noqa: E402
from casgi.hub.connection import connection_to  # noqa: E402

NewHost = Callable[..., Any]


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterServers]:
    with ClusterServers(tmp_path_factory.mktemp("cluster")) as servers:
        yield servers


@pytest.fixture
def prefix() -> str:
    return f"test-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def new_hub(tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Make the hub of one more host; return its path."""
    hubs: list[_core.Hub] = []

    def make() -> str:
        hubs.append(_core.Hub(tmp_path / f"hub-{len(hubs)}"))
        hubs[-1].start()
        return hubs[-1].path

    yield make
    candidate.leave_all()
    for hub in hubs:
        connection_to(hub.path).close()
        hub.stop()


@pytest.fixture
def new_host(new_hub: Callable[[], str], prefix: str) -> Iterator[NewHost]:
    """Make a layer on a hub of its own, with no limit that matters."""

    layers: list[Any] = []

    def make(hosts: Any, **options: Any) -> Any:
        given = {"prefix": prefix, "capacity": 100_000, "partitions": 16, **options}
        layers.append(RedisHubChannelLayer(hosts, hub=new_hub(), **given))
        return layers[-1]

    yield make
    candidate.leave_all()
    for layer in layers:
        layer.local.flush()
