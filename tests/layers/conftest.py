"""Layers to hold against the specification of channel layers."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer
from support.django_settings import configure_django
from support.redis_server import RedisServer

configure_django()

from casgi import _core  # noqa: E402
from casgi.channels import ChannelLayer, RedisHubChannelLayer  # noqa: E402
from casgi.channels.hosts import candidate  # noqa: E402
from casgi.hub.connection import connection_to  # noqa: E402


@pytest.fixture(params=["stock", "casgi", "hub", "hosts"])
def layer_class(request: pytest.FixtureRequest) -> Any:
    """The class of the layers: Channels' own, the one that takes its place, those on a hub."""
    if request.param == "hub":
        return partial(ChannelLayer, hub=request.getfixturevalue("hub_path"))
    if request.param == "hosts":
        return request.getfixturevalue("linked_class")
    return InMemoryChannelLayer if request.param == "stock" else ChannelLayer


@pytest.fixture
def hub_path(tmp_path: Path) -> Iterator[str]:
    """Where a hub is, to which the process has no connection after the test."""
    hub = _core.Hub(tmp_path / "hub")
    hub.start()
    yield hub.path
    connection_to(hub.path).close()
    hub.stop()


@pytest.fixture(scope="session")
def linking_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """What joins the hubs of hosts."""
    with RedisServer(tmp_path_factory.mktemp("linking")) as server:
        yield server


@pytest.fixture
def linked_class(hub_path: str, linking_redis: RedisServer) -> Iterator[Any]:
    """A class of layers on the hub of this host, which is linked to others."""
    prefix = f"test-{uuid.uuid4().hex[:8]}"
    yield partial(RedisHubChannelLayer, [linking_redis.url], hub=hub_path, prefix=prefix)
    candidate.leave_all()


@pytest.fixture
async def layer(layer_class: Any) -> AsyncIterator[Any]:
    """A layer whose channels hold three messages."""
    layer = layer_class(capacity=3)
    yield layer
    await layer.flush()
