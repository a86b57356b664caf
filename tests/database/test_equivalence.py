"""Leaving calls out changes nothing: the same programs with all calls and with the due ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import channels.db
import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from queries import aquery, fail, leave_transaction

from casgi.channels import database as module
from casgi.channels.database import DatabaseConnections

Step = tuple[str, str]
ALIASES = ["default", "other"]
STEPS = st.sampled_from(
    [("message", ""), ("fail", ""), ("leave", ""), *(("query", alias) for alias in ALIASES)]
)
OPTIONS = st.fixed_dictionaries(
    {
        "CONN_MAX_AGE": st.sampled_from([0, 3600, None]),
        "CONN_HEALTH_CHECKS": st.booleans(),
        "AUTOCOMMIT": st.booleans(),
    }
)


class Trace:
    """What an application can see of its connections."""

    def __init__(self) -> None:
        self._opened: list[Any] = []
        self.seen: list[list[tuple[Any, ...]]] = []

    def look(self) -> None:
        """Note how each connection is, and the how many-th it is."""
        self.seen.append([self._of(connections[alias]) for alias in ALIASES])

    def _of(self, connection: Any) -> tuple[Any, ...]:
        opened = connection.connection
        if opened is None:
            return ()
        if opened not in self._opened:
            self._opened.append(opened)
        health = connection.health_check_enabled and connection.health_check_done
        state = connection.autocommit, connection.errors_occurred, bool(health)
        return self._opened.index(opened), *state


async def message(known: DatabaseConnections | None) -> None:
    """Do what comes before a message: in the original (None), or here."""
    if known is None:
        await channels.db.aclose_old_connections()
    elif known.is_due():
        await known.close_old()


def forget() -> None:
    """Have new connections, with the settings of then."""
    connections.close_all()
    for alias in ALIASES:
        del connections[alias]


async def run(steps: list[Step], known: DatabaseConnections | None) -> Any:
    """Return what a program sees."""
    trace = Trace()
    if known is not None:
        known.start(asyncio.get_running_loop())
    for name, alias in steps:
        if name == "message":
            await message(known)
        elif name == "query":
            await aquery(alias)
        else:
            await sync_to_async({"fail": fail, "leave": leave_transaction}[name])()
        await sync_to_async(trace.look)()
    if known is not None:
        known.stop()
    await sync_to_async(forget)()
    return trace.seen


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(STEPS, min_size=3, max_size=15),
    options=st.lists(OPTIONS, min_size=2, max_size=2),
)
def test_same_connections(
    steps: list[Step],
    options: list[dict[str, Any]],
    use: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "GRACE", 3600)
    file = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "test.sqlite3"}

    def trace(known: DatabaseConnections | None) -> Any:
        use(**{alias: {**file, **option} for alias, option in zip(ALIASES, options, strict=True)})
        return asyncio.run(run(steps, known))

    assert trace(DatabaseConnections()) == trace(None)
