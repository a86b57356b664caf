"""A pytest plugin: the tests that run with it meet casgi's layers in the place of the originals.

They want a Redis on port 6379 and a sentinel on port 26379; REDIS_PORT and SENTINEL_PORT say
where these are. The tests' files are not touched.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
import types
from collections.abc import Iterator
from typing import Any

import channels_redis.core
import channels_redis.pubsub
import pytest
from redis.asyncio.connection import Connection

import casgi.channels.redis.core
import casgi.channels.redis.pubsub

channels_redis.core.RedisChannelLayer = casgi.channels.redis.core.RedisChannelLayer
channels_redis.pubsub.RedisPubSubChannelLayer = casgi.channels.redis.pubsub.RedisPubSubChannelLayer

PORTS = {6379: int(os.environ["REDIS_PORT"]), 26379: int(os.environ["SENTINEL_PORT"])}
_original_init = Connection.__init__


def _init(self: Connection, *, port: str | int = 6379, **options: Any) -> None:
    _original_init(self, port=PORTS.get(int(port), port), **options)


Connection.__init__ = _init  # type: ignore[method-assign]

if importlib.util.find_spec("async_timeout") is None:
    sys.modules["async_timeout"] = types.SimpleNamespace(  # type: ignore[assignment]
        timeout=asyncio.timeout
    )


@pytest.fixture
def event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """What pytest-asyncio had when the tests of channels_redis 4.2 were written."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()
