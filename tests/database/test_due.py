"""The call of Django's function is due when it would change a connection, and only then."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from queries import aquery, fail, identity, leave_transaction, query, terminate

from casgi.channels import database as module
from casgi.channels.database import DatabaseConnections

Settings = dict[str, Any]
Use = Callable[..., None]
MESSAGES = 20


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be closed but by a message, however long it takes to come."""
    monkeypatch.setattr(module, "GRACE", 3600.0)


async def handle(known: DatabaseConnections, messages: int = MESSAGES) -> None:
    """Do what comes before each message."""
    for _ in range(messages):
        if known.is_due():
            await known.close_old()


async def test_no_database(known: DatabaseConnections, calls: list[None]) -> None:
    await handle(known)
    assert calls == []


async def test_one_that_stays(
    known: DatabaseConnections, calls: list[None], use: Use, database: Settings
) -> None:
    use(default={**database, "CONN_MAX_AGE": None})
    connection = await aquery()
    await handle(known)
    assert calls == []
    assert connection.connection is not None


async def test_no_age(
    known: DatabaseConnections, calls: list[None], use: Use, database: Settings
) -> None:
    use(default={**database, "CONN_MAX_AGE": 0})
    for used in range(1, 4):
        connection = await aquery()
        assert connection.connection is not None
        await handle(known)
        assert connection.connection is None
        assert len(calls) == used


async def test_error(
    known: DatabaseConnections, calls: list[None], use: Use, database: Settings
) -> None:
    use(default={**database, "CONN_MAX_AGE": None})
    connection = await aquery()
    opened = connection.connection
    await sync_to_async(fail)()
    await handle(known)
    assert len(calls) == 1
    assert connection.connection is opened
    assert not connection.errors_occurred


async def test_terminated(
    known: DatabaseConnections, calls: list[None], use: Use, postgresql: Settings
) -> None:
    use(default={**postgresql, "CONN_MAX_AGE": None}, other=postgresql)
    connection = await aquery()
    await sync_to_async(terminate)(await sync_to_async(identity)())
    await handle(known)
    assert connection.connection is not None
    await sync_to_async(fail)()
    await handle(known)
    assert connection.connection is None
    assert await aquery() is connection


async def test_health_checks(
    known: DatabaseConnections, calls: list[None], use: Use, database: Settings
) -> None:
    use(default={**database, "CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True})
    for used in range(1, 4):
        connection = await aquery()
        await handle(known)
        assert not connection.health_check_done
        assert len(calls) == used


async def test_health_check_of_a_terminated_one(
    known: DatabaseConnections, use: Use, postgresql: Settings
) -> None:
    checked = {**postgresql, "CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
    use(default=checked, other=postgresql)
    await aquery()
    await sync_to_async(terminate)(await sync_to_async(identity)())
    await handle(known)
    await aquery()


async def test_forgotten_transaction(
    known: DatabaseConnections, calls: list[None], use: Use, database: Settings
) -> None:
    use(default={**database, "CONN_MAX_AGE": None})
    connection = await aquery()
    await sync_to_async(leave_transaction)()
    await handle(known)
    assert len(calls) == 1
    assert connection.connection is None


async def test_two_databases(
    known: DatabaseConnections, calls: list[None], use: Use, database: Settings
) -> None:
    use(default={**database, "CONN_MAX_AGE": None}, other={**database, "CONN_MAX_AGE": 0})
    staying, leaving = await aquery("default"), await aquery("other")
    await handle(known)
    assert len(calls) == 1
    assert staying.connection is not None
    assert leaving.connection is None


async def test_another_thread(
    known: DatabaseConnections, calls: list[None], use: Use, database: Settings
) -> None:
    use(default={**database, "CONN_MAX_AGE": 0})

    def away() -> None:
        connection = query()
        connection.inc_thread_sharing()
        others.append(connection)

    others: list[Any] = []
    for _ in range(3):
        with ThreadPoolExecutor(1) as thread:
            await asyncio.get_running_loop().run_in_executor(thread, away)
        await handle(known)
    assert len(calls) == 1, "nobody can know before the first call which thread it is made in"
    assert others[-1].connection is not None
    ours = await aquery()
    await handle(known)
    assert ours.connection is None
    assert len(calls) == 2
    for connection in others:
        await sync_to_async(connection.close)()


async def test_a_thread_for_one_consumer(
    known: DatabaseConnections, calls: list[None], use: Use, database: Settings
) -> None:
    use(default={**database, "CONN_MAX_AGE": 0})
    async with ThreadSensitiveContext():
        own = await aquery()
        await handle(known, 3)
        assert own.connection is None
        assert len(calls) == 3, "as the original does"
    shared = await aquery()
    await handle(known)
    assert shared.connection is None
    assert len(calls) == 4


async def test_one_that_cannot_be_closed(
    known: DatabaseConnections, calls: list[None], use: Use
) -> None:
    use(default={"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "CONN_MAX_AGE": 0})
    connection = await aquery()
    await handle(known)
    assert len(calls) == 1
    assert connection.connection is not None
    await sync_to_async(super(type(connection), connection).close)()


async def test_backend_with_rules_of_its_own(
    known: DatabaseConnections, calls: list[None], use: Use, database: Settings
) -> None:
    use(default={**database, "CONN_MAX_AGE": None})
    connection = await aquery()
    asked: list[None] = []
    own = connection.close_if_unusable_or_obsolete
    connection.close_if_unusable_or_obsolete = functools.wraps(own)(lambda: asked.append(None))
    await handle(known)
    assert len(asked) == MESSAGES
    await sync_to_async(connection.close)()
    asked.clear()
    await handle(known)
    assert len(asked) <= 1


async def test_error_while_closing(
    known: DatabaseConnections, use: Use, database: Settings
) -> None:
    use(default={**database, "CONN_MAX_AGE": 0}, other={**database, "CONN_MAX_AGE": 0})
    first, second = await aquery("default"), await aquery("other")
    close = first._close

    def close_and_fail() -> None:
        close()
        raise OSError("no way to say goodbye")

    first._close = close_and_fail
    with pytest.raises(OSError, match="goodbye"):
        await known.close_old()
    first._close = close
    assert second.connection is not None
    await handle(known)
    assert second.connection is None
