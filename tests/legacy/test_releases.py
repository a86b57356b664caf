"""One site on each release of Channels that docs/channels.md names, installed for real.

`make test-channels-releases` runs it: making the environments takes minutes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from legacy.environment import ROOT, RegistryUnreachable, python_with
from legacy.releases import RELEASES, Release
from support.ports import free_port
from support.redis_server import RedisServer
from support.server_process import ServerProcess
from websockets.sync.client import connect

PROJECT = Path(__file__).parent / "site"
SECONDS = 60.0
LAYERS = {
    "memory": ("channels.layers.InMemoryChannelLayer", {}),
    "core": ("channels_redis.core.RedisChannelLayer", {}),
    "core-json": ("channels_redis.core.RedisChannelLayer", {"serializer_format": "json"}),
    "core-encrypted": (
        "channels_redis.core.RedisChannelLayer",
        {"symmetric_encryption_keys": ["k"]},
    ),
    "pubsub": ("channels_redis.pubsub.RedisPubSubChannelLayer", {}),
    "pubsub-json": ("channels_redis.pubsub.RedisPubSubChannelLayer", {"serializer_format": "json"}),
}
# Of channels_redis, for its core layer.
FIRST_WITH_FORMATS = (4, 3)

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        "CHANNELS_RELEASES" not in os.environ, reason="make test-channels-releases runs it"
    ),
]


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module", params=RELEASES, ids=lambda release: release.channels)
def release(request: pytest.FixtureRequest) -> Release:
    found: Release = request.param
    return found


@pytest.fixture(scope="module")
def python(release: Release) -> Path:
    try:
        return python_with(f"channels-{release.channels}", release.requirements)
    except RegistryUnreachable as error:
        pytest.skip(f"Channels {release.channels} cannot be installed: {error}")


@pytest.fixture(params=LAYERS)
def server(
    request: pytest.FixtureRequest,
    release: Release,
    python: Path,
    redis: RedisServer,
    tmp_path: Path,
) -> Iterator[ServerProcess]:
    backend, options = LAYERS[request.param]
    version = tuple(int(part) for part in release.channels_redis.split("."))
    if "serializer_format" in options and version < FIRST_WITH_FORMATS:
        pytest.skip(f"channels_redis {release.channels_redis} has no formats to choose from")
    config = {} if request.param == "memory" else {"hosts": [redis.url], **options}
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CASGI_")}
    environment |= {
        "DJANGO_SETTINGS_MODULE": "site_settings",
        "PYTHONPATH": f"{ROOT / 'pyshim'}{os.pathsep}{PROJECT}",
        "SITE_LAYERS": json.dumps({"default": {"BACKEND": backend, "CONFIG": config}}),
    }
    command = [str(python), "-m", "casgi", "-p", str(port), "site_application:application"]
    with ServerProcess(command, port, tmp_path / "log", PROJECT, environment) as server:
        yield server
        server.stop()
        assert "Traceback" not in server.log_text()


def test_room(server: ServerProcess, release: Release) -> None:
    url = f"ws://127.0.0.1:{server.port}"
    with (
        connect(f"{url}/async/", open_timeout=SECONDS) as asynchronous,
        connect(f"{url}/sync/", open_timeout=SECONDS) as synchronous,
    ):
        for number in range(20):
            asynchronous.send(json.dumps({"number": number}))
            assert json.loads(asynchronous.recv(timeout=SECONDS)) == {"number": number}
            assert synchronous.recv(timeout=SECONDS) == repr({"number": number})
        synchronous.send("hello")
        assert synchronous.recv(timeout=SECONDS) == repr({"sync": "hello"})
        assert json.loads(asynchronous.recv(timeout=SECONDS)) == {"sync": "hello"}
        told = httpx.get(f"http://127.0.0.1:{server.port}/tell/", timeout=SECONDS)
        assert told.text == "told"
        assert json.loads(asynchronous.recv(timeout=SECONDS)) == {"view": "told"}
    assert ("Channels as it is" in server.log_text()) is not release.is_accelerated
