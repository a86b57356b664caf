"""What decides whether Channels is accelerated, and what the log says of it."""

import inspect
import logging
import sys
from types import SimpleNamespace
from typing import Any

import channels
import channels.consumer
import channels.layers
import django.conf
import pytest
from channels.utils import await_many_dispatch
from django.core.exceptions import ImproperlyConfigured

import casgi
from casgi.channels import ChannelLayer
from casgi.channels.acceleration import acceleration
from casgi.channels.releases import TEXTS, unsupported_reason

from .consumers import Room


async def start_and_stop(caplog: pytest.LogCaptureFixture, **options: Any) -> list[str]:
    """Return what the log says of Channels when a server starts."""
    with caplog.at_level(logging.INFO, logger="casgi.server"):
        async with casgi.Server(Room.as_asgi(), casgi.Config(port=0, lifespan="off", **options)):
            pass
    return [text for text in caplog.messages if text.startswith("Channels")]


@pytest.mark.parametrize("version", ["4.2", "4.2.2", "4.3.0", "4.3.99"])
def test_tested_releases_are_accelerated(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(channels, "__version__", version)
    assert unsupported_reason() is None


@pytest.mark.parametrize("version", ["2.1.3", "3.0.5", "4.1.0", "4.4.0", "4.20.0", "5.0", ""])
async def test_other_releases_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, version: str
) -> None:
    monkeypatch.setattr(channels, "__version__", version)
    [line] = await start_and_stop(caplog)
    assert line == (
        f"Channels as it is: Channels {version} is not one of the releases tested (4.2.x, 4.3.x)"
    )
    assert channels.consumer.await_many_dispatch is await_many_dispatch


@pytest.mark.parametrize("module", TEXTS)
async def test_other_code_under_a_tested_version_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, module: str
) -> None:
    """A release to come, a fork or a distributor's patch: nobody has read what it does."""
    read = inspect.getsource

    def patched(object_: Any) -> str:
        changed = "# changed\n" if object_ is sys.modules[module] else ""
        return read(object_) + changed

    monkeypatch.setattr(inspect, "getsource", patched)
    [line] = await start_and_stop(caplog)
    assert line == (
        f"Channels as it is: {module} of Channels {channels.__version__}"
        " is not the code that was tested"
    )
    assert channels.consumer.await_many_dispatch is await_many_dispatch


def test_code_without_its_source_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_source(object_: Any) -> str:
        raise OSError("could not get source code")

    monkeypatch.setattr(inspect, "getsource", without_source)
    assert "is not the code that was tested" in str(unsupported_reason())


async def test_it_can_be_turned_off(caplog: pytest.LogCaptureFixture) -> None:
    assert await start_and_stop(caplog, accelerate=False) == ["Channels as it is: --no-accelerate"]


async def test_line_says_what_runs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(channels.layers.channel_layers, "backends", {})
    [line] = await start_and_stop(caplog)
    assert line == (
        f"Channels {channels.__version__} accelerated: handlers are shared;"
        " layers: default is casgi.channels.layer.ChannelLayer"
    )
    assert channels.consumer.await_many_dispatch is await_many_dispatch


async def test_line_says_that_handlers_are_verified(caplog: pytest.LogCaptureFixture) -> None:
    [line] = await start_and_stop(caplog, verify_shared=True)
    assert "handlers are verified, not shared" in line


def layers(monkeypatch: pytest.MonkeyPatch, **backends: Any) -> Any:
    manager = channels.layers.channel_layers
    monkeypatch.setattr(manager, "backends", backends)
    monkeypatch.setattr(
        type(manager), "configs", {name: {"BACKEND": "nowhere.Layer"} for name in [*backends, "x"]}
    )
    return manager


async def test_layers_become_ours_where_they_are(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Modules keep what get_channel_layer() gave them, and what waits in it."""

    class Own(channels.layers.InMemoryChannelLayer):
        """Somebody else's, of which nothing is known."""

    known = channels.layers.InMemoryChannelLayer(capacity=7)
    await known.send("task", {"type": "waits"})
    await known.group_add("group", "member")
    own = Own()
    layers(monkeypatch, default=known, own=own)
    [line] = await start_and_stop(caplog)
    assert type(known) is ChannelLayer
    assert (await known.receive("task"), known.capacity) == ({"type": "waits"}, 7)
    assert {group: list(known.groups[group]) for group in known.groups} == {"group": ["member"]}
    known.local.flush()
    assert type(own) is Own
    assert "own is dispatch.test_acceleration." in line
    assert "x cannot be made (InvalidChannelLayerError(" in line
    assert "Cannot import BACKEND 'nowhere.Layer'" in line


async def test_channels_without_settings(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A program may import Channels, and have no Django: that concerns its consumers alone."""
    monkeypatch.setattr(django.conf.settings, "_wrapped", django.conf.empty)
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    with pytest.raises(ImproperlyConfigured):
        _ = channels.layers.channel_layers.configs
    [line] = await start_and_stop(caplog)
    assert line.endswith("layers: none")


@pytest.mark.parametrize("version", ["4.2.0", "9.0"])
async def test_layer_of_an_unknown_release_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, version: str
) -> None:
    import channels_redis
    import channels_redis.core

    layer = channels_redis.core.RedisChannelLayer()
    layers(monkeypatch, default=layer)
    monkeypatch.setattr(channels_redis, "__version__", version)
    await start_and_stop(caplog)
    assert type(layer) is channels_redis.core.RedisChannelLayer


def test_begin_twice_is_ended_twice() -> None:
    loop: Any = SimpleNamespace(call_soon_threadsafe=None)
    acceleration.begin(loop)
    acceleration.begin(loop)
    acceleration.end()
    assert channels.consumer.await_many_dispatch is not await_many_dispatch
    acceleration.end()
    assert channels.consumer.await_many_dispatch is await_many_dispatch


async def test_methods_that_were_taken_from_a_layer_before(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As `group_send = async_to_sync(get_channel_layer().group_send)` in a module does."""
    known = channels.layers.InMemoryChannelLayer()
    names = ("send", "receive", "group_add", "group_discard", "group_send", "flush")
    taken = SimpleNamespace(**{name: getattr(known, name) for name in names})
    layers(monkeypatch, default=known)
    await start_and_stop(caplog)
    assert type(known) is ChannelLayer
    await taken.group_add("group", "member")
    await taken.group_add("group", "other")
    await taken.group_send("group", {"type": "one"})
    assert await known.receive("member") == {"type": "one"}
    await known.send("member", {"type": "two"})
    assert await taken.receive("member") == {"type": "two"}
    await taken.send("other", {"type": "three"})
    assert [await known.receive("other") for _ in range(2)] == [{"type": "one"}, {"type": "three"}]
    await taken.group_discard("group", "other")
    assert list(known.groups["group"]) == ["member"]
    await taken.send("member", {"type": "lost"})
    await taken.flush()
    assert (dict(known.groups), dict(known.channels)) == ({}, {})


@pytest.mark.parametrize("name", ["send", "receive", "group_send", "group_add", "new_channel"])
async def test_layer_with_a_method_of_its_own_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """As modules that trace a layer leave it."""
    known = channels.layers.InMemoryChannelLayer()
    setattr(known, name, getattr(known, name))
    layers(monkeypatch, default=known)
    [line] = await start_and_stop(caplog)
    assert type(known) is channels.layers.InMemoryChannelLayer
    assert f"InMemoryChannelLayer as it is (it has a {name} of its own)" in line


class Noting(ChannelLayer):
    """A layer of casgi's whose group_send() has to call send(), as Channels' own does."""

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        await super().send(channel, {**message, "by": channel})


async def test_layer_of_ours_with_a_send_of_its_own(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    layer = Noting()
    layers(monkeypatch, default=layer)
    [line] = await start_and_stop(caplog)
    assert "Noting as it is (a method that its others call was replaced)" in line
    for member in ("one", "two"):
        await layer.group_add("group", member)
    await layer.group_send("group", {"type": "a"})
    await layer.group_send_many(["group"], {"type": "b"})
    for member in ("one", "two"):
        given = [await layer.receive(member) for _ in range(2)]
        assert given == [{"type": each, "by": member} for each in "ab"]


async def test_line_says_what_was_replaced(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def own_name(message: Any) -> str:
        return "websocket_connect"

    monkeypatch.setattr(channels.consumer, "get_handler_name", own_name)
    [line] = await start_and_stop(caplog)
    assert "accelerated: handlers run for each consumer;" in line
    assert f"channels.consumer.get_handler_name was replaced ({__file__}:" in line


async def test_replaced_await_many_dispatch_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def own(callables: Any, dispatch: Any) -> None:
        await await_many_dispatch(callables, dispatch)

    monkeypatch.setattr(channels.consumer, "await_many_dispatch", own)
    [line] = await start_and_stop(caplog)
    assert line.startswith("Channels as it is: channels.consumer.await_many_dispatch was replaced")
    assert channels.consumer.await_many_dispatch is own
