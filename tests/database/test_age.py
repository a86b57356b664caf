"""A connection is closed within a second of its age, whether messages come or not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from queries import aquery, end_transaction, leave_transaction

from casgi.channels import database as module
from casgi.channels.database import DatabaseConnections

Settings = dict[str, Any]
Use = Callable[..., None]
DEADLINE = 30.0
AGE = 0.4


async def closing(connection: Any, known: DatabaseConnections | None = None) -> float:
    """Wait until a connection is closed; return how long after its age that was."""
    begun = time.monotonic()
    while connection.connection is not None:
        assert time.monotonic() - begun < DEADLINE
        if known is not None and known.is_due():
            await known.close_old()
        await asyncio.sleep(0.005)
    late: float = time.monotonic() - connection.close_at
    return late


@pytest.mark.parametrize("age", [0, AGE])
@pytest.mark.parametrize("has_traffic", [False, True])
async def test_age(
    age: float,
    has_traffic: bool,
    known: DatabaseConnections,
    calls: list[None],
    use: Use,
    database: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if has_traffic:
        monkeypatch.setattr(module, "GRACE", 3600.0)
    use(default={**database, "CONN_MAX_AGE": age})
    for used in range(1, 3):
        connection = await aquery()
        late = await closing(connection, known if has_traffic else None)
        assert late >= 0
        assert len(calls) == used


async def test_several_ages(
    known: DatabaseConnections, calls: list[None], use: Use, database: Settings
) -> None:
    use(
        default={**database, "CONN_MAX_AGE": 3600},
        first={**database, "CONN_MAX_AGE": AGE},
        other={**database, "CONN_MAX_AGE": None},
    )
    old, young, staying = [await aquery(alias) for alias in ("default", "first", "other")]
    await closing(young)
    assert old.connection is not None
    assert staying.connection is not None
    assert len(calls) == 1


async def test_handler_keeps_its_connection(
    known: DatabaseConnections, use: Use, database: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GRACE", 3600.0)
    use(default={**database, "CONN_MAX_AGE": 0})
    opened = {id((await aquery()).connection) for _ in range(20)}
    assert len(opened) == 1, "the queries of one handler share a connection, as in the original"


async def test_transaction_over_several_calls(
    known: DatabaseConnections,
    use: Use,
    database: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "GRACE", 0.01)
    tried = asyncio.Event()
    is_in_transaction = module._is_in_transaction
    loop = asyncio.get_running_loop()

    def telling(connection: Any) -> bool:
        loop.call_soon_threadsafe(tried.set)
        return is_in_transaction(connection)

    use(default={**database, "CONN_MAX_AGE": 0.1})
    connection = await aquery()
    await sync_to_async(leave_transaction)()
    monkeypatch.setattr(module, "_is_in_transaction", telling)
    await asyncio.wait_for(tried.wait(), DEADLINE)
    await aquery()
    assert connection.connection is not None
    await sync_to_async(end_transaction)()
    await closing(connection)
