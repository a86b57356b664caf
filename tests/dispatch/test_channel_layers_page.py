"""The code of docs/channel-layers.md does what the page says of it."""

import asyncio
import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from channels.layers import ChannelLayerManager
from channels.routing import URLRouter
from django.urls import path
from support.reports import wait_until

from casgi.channels import ChannelLayer

from .conftest import Accelerated

PAGE = Path(__file__).resolve().parents[2] / "docs" / "channel-layers.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[ModuleType]:
    """Its blocks as one module, in a file: handlers are proved by their source."""
    file = tmp_path / "channel_layers_page.py"
    file.write_text("\n".join(BLOCK.findall(PAGE.read_text())))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec
    assert spec.loader
    module = sys.modules[file.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules[file.stem]


def test_settings(page: ModuleType, settings_of_layers: Any) -> None:
    settings_of_layers(page.CHANNEL_LAYERS)
    layer = ChannelLayerManager()["default"]
    assert type(layer) is ChannelLayer
    assert layer.capacity == 200


@pytest.fixture
def settings_of_layers() -> Iterator[Any]:
    from django.test import override_settings

    overrides: list[Any] = []

    def use(layers: dict[str, Any]) -> None:
        overrides.append(override_settings(CHANNEL_LAYERS=layers))
        overrides[-1].enable()

    yield use
    for one in overrides:
        one.disable()


def test_how_many(page: ModuleType, accelerated: Accelerated, layer: Any) -> None:
    server = accelerated(page.Lobby.as_asgi())
    clients = [server.websocket() for _ in range(3)]
    wait_until(lambda: len(layer.local.channels("lobby")) == 3, "not all have joined")
    clients[0].send_text('"how many?"')
    assert json.loads(clients[0].read_text()) == {"connections": 3}


def test_several_groups_and_a_thread(
    page: ModuleType, accelerated: Accelerated, layer: Any
) -> None:
    server = accelerated(page.Orders.as_asgi())
    clients = [server.websocket(f"/{group}") for group in ("kitchen", "bar", "garage")]
    assert [client.read_text() for client in clients] == ['"ready"'] * 3
    asyncio.run_coroutine_threadsafe(page.tell_order(1), server.loop).result(10)
    page.tell_order_from_sync_code(2)
    for client in clients[:2]:
        assert [json.loads(client.read_text()) for _ in range(2)] == [{"order": 1}, {"order": 2}]
    asyncio.run_coroutine_threadsafe(
        layer.group_send("garage", {"type": "order.posted", "number": 3}), server.loop
    ).result(10)
    assert json.loads(clients[2].read_text()) == {"order": 3}


def test_who_is_here(page: ModuleType, accelerated: Accelerated) -> None:
    router = URLRouter([path("<str:room>/", page.Room.as_asgi())])

    async def named(scope: Any, receive: Any, send: Any) -> None:
        user = SimpleNamespace(username=scope["query_string"].decode())
        await router({**scope, "user": user}, receive, send)

    page.presence.linger = 0.05
    server = accelerated(named)
    ann, bob = server.websocket("/den/?ann"), server.websocket("/attic/?bob")
    for client, who in ((ann, "ann"), (bob, "bob")):
        texts = [json.loads(client.read_text()) for _ in range(2)]
        assert {"joined": who} in texts
        assert {"here": [who]} in texts
    cid = server.websocket("/den/?cid")
    assert json.loads(ann.read_text()) == {"joined": "cid"}
    assert page.presence.here("den") == ["ann", "cid"]
    cid.close()
    assert json.loads(ann.read_text()) == {"left": "cid"}
    assert (page.presence.count("den"), page.presence.info("den", "ann")) == (1, None)


def test_gap(page: ModuleType, accelerated: Accelerated, layer: Any) -> None:
    server = accelerated(page.Prices.as_asgi())
    client = server.websocket()
    wait_until(lambda: len(layer.local.channels("prices")) == 1, "has not joined")
    change = {"type": "price.changed", "price": 3}
    asyncio.run_coroutine_threadsafe(layer.group_send("prices", change), server.loop).result(10)
    assert json.loads(client.read_text()) == {"price": 3}
    assert server.call(layer.local.report_gap) == 1
    assert json.loads(client.read_text()) == {"reload": True}
