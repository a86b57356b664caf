"""Layers to hold against the specification of channel layers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer
from support.django_settings import configure_django

configure_django()

from casgi.channels import ChannelLayer  # noqa: E402


@pytest.fixture(params=[InMemoryChannelLayer, ChannelLayer], ids=["stock", "casgi"])
def layer_class(request: pytest.FixtureRequest) -> Any:
    """The class of the layers: Channels' own, and the one that takes its place."""
    return request.param


@pytest.fixture
async def layer(layer_class: Any) -> AsyncIterator[Any]:
    """A layer whose channels hold three messages."""
    layer = layer_class(capacity=3)
    yield layer
    await layer.flush()
