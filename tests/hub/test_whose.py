"""Whose a WebSocket is: what is nobody's, sessions that were not loaded yet, session backends."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.django_settings import configure_django

configure_django()

from asgiref.sync import sync_to_async  # noqa: E402
from channels.layers import ChannelLayerManager, InMemoryChannelLayer  # noqa: E402
from django.contrib.auth.models import AnonymousUser, Group, User  # noqa: E402
from django.contrib.sessions.backends.base import SessionBase  # noqa: E402
from django.test import override_settings  # noqa: E402
from django.utils.asyncio import async_unsafe  # noqa: E402

from casgi.channels import disconnect, identify, publishing  # noqa: E402
from casgi.channels.identity import api  # noqa: E402
from casgi.channels.identity.groups import session_group, user_group  # noqa: E402
from casgi.channels.identity.identity import KEY, Identity  # noqa: E402


def identity_on(layer: Any, **scope: Any) -> Identity:
    """Return the identity of a consumer that has this scope."""
    consumer = SimpleNamespace(channel_layer=layer, scope=scope)
    scope[KEY] = Identity(consumer, "channel")
    return scope[KEY]


def test_nobody_has_a_group() -> None:
    layer = InMemoryChannelLayer()
    identity = identity_on(layer)

    async def run() -> None:
        scope = {KEY: identity}
        await identify(scope, user=AnonymousUser(), session=SessionBase())
        assert layer.groups == {}
        await identify(scope, user=7)
        assert set(layer.groups) == {user_group(7)}
        await identify(scope, user=AnonymousUser())
        assert layer.groups == {}
        identity.end()

    asyncio.run(run())
    assert user_group(AnonymousUser()) is session_group(SessionBase()) is None
    with override_settings(CASGI_DISCONNECT=True):
        disconnect(user=AnonymousUser(), session=SessionBase())


class StoredSession(SessionBase):  # type: ignore[misc]
    """One that has to be loaded from where an event loop must not wait."""

    @async_unsafe  # type: ignore[untyped-decorator]
    def load(self) -> dict[str, Any]:
        return {"_auth_user_hash": "hash"}


def test_session_is_loaded_in_a_thread() -> None:
    layer = InMemoryChannelLayer()
    session = StoredSession("a" * 32)
    identity = identity_on(layer, session=session)

    async def run() -> None:
        await identity.begin()
        assert set(layer.groups) == {session_group(session)}
        await identity.take({"type": "casgi.session", "key": "b" * 32})
        await identity.identify(user=7)
        assert set(layer.groups) == {session_group("b" * 32), user_group(7)}
        identity.end()

    asyncio.run(run())


class EndedSession(SessionBase):  # type: ignore[misc]
    """One that its backend does not find."""

    def load(self) -> dict[str, Any]:
        self._session_key = None
        return {}


class EmptySession(SessionBase):  # type: ignore[misc]
    """One without anything in it."""

    def load(self) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize(("kind", "is_closed"), [(EndedSession, True), (EmptySession, False)])
def test_session_that_has_ended_before_its_new_key_was_known(kind: Any, is_closed: bool) -> None:
    identity = identity_on(InMemoryChannelLayer(), session=StoredSession("a" * 32))
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def run() -> None:
        await identity.begin()
        identity._consumer.base_send = send
        identity._session = kind("a" * 32)
        # Its owner has logged in and out at once: the logout was told to a group without members.
        await identity.take({"type": "casgi.session", "key": "b" * 32})
        identity.end()

    with override_settings(CASGI_DISCONNECT=True):
        asyncio.run(run())
    assert [message["type"] for message in sent] == ["websocket.close"] * is_closed


@pytest.mark.parametrize("kind", [EndedSession, EmptySession])
def test_consumer_that_ends_while_its_session_is_looked_at(kind: Any) -> None:
    identity = identity_on(InMemoryChannelLayer())
    begun, go_on = threading.Event(), threading.Event()

    class SlowSession(kind):  # type: ignore[misc]
        def load(self) -> dict[str, Any]:
            begun.set()
            go_on.wait()
            found: dict[str, Any] = super().load()
            return found

    async def run() -> None:
        identity._session = SlowSession("a" * 32)
        looking = asyncio.create_task(identity._look_at_session())
        await asyncio.to_thread(begun.wait)
        identity.end()
        go_on.set()
        await looking  # The consumer has no `base_send` that could be called.
        assert identity._expiry is None

    asyncio.run(run())


def test_users_of_two_models_have_groups_of_their_own() -> None:
    options = {"__module__": __name__, "Meta": type("Meta", (), {"proxy": True, "app_label": "x"})}
    member = type("Member", (User,), options)
    assert user_group(User(pk=7)) == user_group(7) == user_group(member(pk=7))
    assert user_group(Group(pk=7)) not in (user_group(7), None)


class FailingLayer(InMemoryChannelLayer):  # type: ignore[misc]
    """One whose server is away."""

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        raise ConnectionError("away")


@pytest.mark.parametrize("is_async", [False, True])
def test_layer_that_fails_keeps_no_other_from_it(
    monkeypatch: pytest.MonkeyPatch, is_async: bool
) -> None:
    there = InMemoryChannelLayer()
    layers = ChannelLayerManager()
    layers.backends = {"away": FailingLayer(), "there": there}
    monkeypatch.setattr(ChannelLayerManager, "configs", layers.backends)
    for module in (api, publishing):
        monkeypatch.setattr(module, "channel_layers", layers)

    async def run() -> None:
        channel = await there.new_channel()
        await there.group_add(user_group(7), channel)
        try:
            if is_async:
                await disconnect(user=7)
            else:
                await sync_to_async(disconnect)(user=7)
        finally:
            assert (await there.receive(channel))["type"] == "casgi.disconnect"

    with override_settings(CASGI_DISCONNECT=True), pytest.raises(ConnectionError, match="away"):
        asyncio.run(run())


@pytest.mark.parametrize("backend", ["db", "cached_db", "cache", "file"])
def test_every_backend_tells(backend: str) -> None:
    program = Path(__file__).with_name("session_backends.py")
    command = [sys.executable, str(program), f"django.contrib.sessions.backends.{backend}"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60)
    expected = ["casgi.disconnect"] * 2 + ["stored", "ended", "stored"]
    assert told.stdout.split() == expected, told.stderr
