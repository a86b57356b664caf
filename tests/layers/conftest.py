"""Layers to hold against the specification of channel layers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer
from support.django_settings import configure_django

configure_django()

from casgi import _core  # noqa: E402
from casgi.channels import ChannelLayer  # noqa: E402
from casgi.hub.connection import connection_to  # noqa: E402


@pytest.fixture(params=["stock", "casgi", "hub"])
def layer_class(request: pytest.FixtureRequest) -> Any:
    """The class of the layers: Channels' own, the one that takes its place, and that on a hub."""
    if request.param == "hub":
        return partial(ChannelLayer, hub=request.getfixturevalue("hub_path"))
    return InMemoryChannelLayer if request.param == "stock" else ChannelLayer


@pytest.fixture
def hub_path(tmp_path: Path) -> Iterator[str]:
    """Where a hub is, to which the process has no connection after the test."""
    hub = _core.Hub(tmp_path / "hub")
    hub.start()
    yield hub.path
    connection_to(hub.path).close()
    hub.stop()


@pytest.fixture
async def layer(layer_class: Any) -> AsyncIterator[Any]:
    """A layer whose channels hold three messages."""
    layer = layer_class(capacity=3)
    yield layer
    await layer.flush()
