"""Whose a WebSocket is: what is nobody's, sessions that were not loaded yet, session backends."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.django_settings import configure_django

configure_django()

from channels.layers import InMemoryChannelLayer  # noqa: E402
from django.contrib.auth.models import AnonymousUser  # noqa: E402
from django.contrib.sessions.backends.base import SessionBase  # noqa: E402
from django.test import override_settings  # noqa: E402
from django.utils.asyncio import async_unsafe  # noqa: E402

from casgi.channels import disconnect, identify  # noqa: E402
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


@pytest.mark.parametrize("backend", ["db", "cached_db", "cache"])
def test_every_backend_tells(backend: str) -> None:
    program = Path(__file__).with_name("session_backends.py")
    command = [sys.executable, str(program), f"django.contrib.sessions.backends.{backend}"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert told.stdout.split() == ["casgi.disconnect"] * 2, told.stderr
