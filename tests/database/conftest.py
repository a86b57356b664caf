"""Real databases, and what stands between a consumer and their connections."""

from __future__ import annotations

import asyncio
import importlib.util
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from support.django_settings import configure_django
from support.postgresql_server import PostgresqlServer, postgresql_programs

configure_django()

import channels.db  # noqa: E402
from django.db import connections  # noqa: E402

from casgi.channels.database import DatabaseConnections  # noqa: E402

Settings = dict[str, Any]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Settings]:
    """The settings of a running PostgreSQL."""
    programs = postgresql_programs()
    if programs is None or importlib.util.find_spec("psycopg") is None:
        pytest.skip("PostgreSQL's server or psycopg is not installed; SQLite is tested")
    with tempfile.TemporaryDirectory(prefix="casgi-") as folder:
        server = PostgresqlServer(programs, Path(folder))
        server.start()
        yield server.settings
        server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """The settings of one database."""
    if request.param == "postgresql":
        settings: Settings = request.getfixturevalue("postgresql")
        return settings
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "test.sqlite3"}


@pytest_asyncio.fixture
async def use(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., None]]:
    """Make Django use databases: `use(default={...})`. Their connections end with the test."""

    def configure(**databases: Settings) -> None:
        monkeypatch.setattr(connections, "settings", connections.configure_settings(databases))

    def forget() -> None:
        for connection in connections.all(initialized_only=True):
            connection.close()
            del connections[connection.alias]

    yield configure
    await sync_to_async(forget)()


@pytest_asyncio.fixture
async def known() -> AsyncIterator[DatabaseConnections]:
    """What is tested, in the running loop."""
    known = DatabaseConnections()
    known.start(asyncio.get_running_loop())
    yield known
    known.stop()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """As many entries as there were calls of Django's function by Channels."""
    made: list[None] = []
    close_old_connections = channels.db.close_old_connections

    def counting() -> None:
        made.append(None)
        close_old_connections()

    monkeypatch.setattr(channels.db, "close_old_connections", counting)
    return made
