"""Persistent database connections: kept by threads, clean, and closed when of age."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import close_old_connections, connection, connections, transaction

from casgi.django import thread_pool
from casgi.django.thread_pool import ThreadPool

AT_ONCE = 10
# What is not carried over is dropped with its context, as asgiref's threads drop it.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*was deleted while still open:ResourceWarning",
    "ignore:unclosed database:ResourceWarning",
)


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch, postgresql: dict[str, Any]) -> Callable[..., None]:
    """Have Django use the PostgreSQL, with settings beside: `use(CONN_MAX_AGE=60)`."""

    def configure(**settings: Any) -> None:
        databases = {"default": {**postgresql, **settings}}
        monkeypatch.setattr(connections, "settings", connections.configure_settings(databases))

    return configure


@pytest.fixture
def server(postgresql: dict[str, Any]) -> Iterator[Callable[[str], list[Any]]]:
    """Ask the server, over a connection of the test's own: `server("SELECT 1")`."""
    with _connect(postgresql) as own:
        deadline = time.monotonic() + 15
        while own.execute(OTHERS).fetchall():  # of the test before, which is over
            assert time.monotonic() < deadline, "connections of another test stay"
            gc.collect()
        yield lambda query: own.execute(query).fetchall()  # type: ignore[arg-type]


def _connect(postgresql: dict[str, Any]) -> psycopg.Connection[Any]:
    """Connect to the server, which may be starting."""
    address = {"host": postgresql["HOST"], "port": postgresql["PORT"]}
    deadline = time.monotonic() + 30
    while True:
        try:
            return psycopg.connect(
                **address, user=postgresql["USER"], dbname=postgresql["NAME"], autocommit=True
            )
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise


OTHERS = (
    "SELECT pid FROM pg_stat_activity"
    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not condition():
            gc.collect()  # Django's objects refer to themselves.
            await asyncio.sleep(0.01)


def _query(sql: str = "SELECT pg_backend_pid()") -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


async def _request(*calls: Callable[[], Any]) -> list[Any]:
    """As Django: old connections are closed when a request begins, and when it ends."""
    async with ThreadSensitiveContext():
        await sync_to_async(close_old_connections)()
        answers = [await sync_to_async(call)() for call in calls]
        await sync_to_async(close_old_connections)()
    return answers


async def test_as_many_connections_as_requests_at_once(
    pool: ThreadPool, use: Callable[..., None], server: Any
) -> None:
    use(CONN_MAX_AGE=60)
    pids: set[int] = set()

    async def client() -> None:
        for _ in range(30):
            pids.update(await _request(_query))

    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    assert len(pids) <= AT_ONCE
    assert {pid for (pid,) in server(OTHERS)} == pids
    pool.close()
    await _until(lambda: server(OTHERS) == [])


async def test_without_an_age(pool: ThreadPool, use: Callable[..., None], server: Any) -> None:
    """CONN_MAX_AGE is 0 by default: a connection ends with its request."""
    use()
    first = await _request(_query, _query)
    assert first[0] == first[1]
    await _until(lambda: server(OTHERS) == [])
    assert await _request(_query) != first[:1]


async def test_age(pool: ThreadPool, use: Callable[..., None], server: Any) -> None:
    """It is closed when it is of age, while its thread is idle."""
    use(CONN_MAX_AGE=0.5)
    [pid] = await _request(_query)
    await _until(lambda: server(OTHERS) == [])
    assert await _request(_query) != [pid]


async def test_after_a_rush(
    pool: ThreadPool,
    use: Callable[..., None],
    server: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(thread_pool, "IDLE_SECONDS", 0.2)
    use(CONN_MAX_AGE=None)
    met = asyncio.Barrier(AT_ONCE + 1)
    counted = asyncio.Event()

    async def client() -> None:
        async with ThreadSensitiveContext():
            await sync_to_async(_query)()
            await met.wait()
            await counted.wait()

    rush = asyncio.gather(*(client() for _ in range(AT_ONCE)))
    await met.wait()
    assert len(server(OTHERS)) == AT_ONCE
    counted.set()
    await rush
    await _until(lambda: len(server(OTHERS)) == thread_pool.KEPT_IDLE)


async def test_server_that_has_left(
    pool: ThreadPool, use: Callable[..., None], server: Any
) -> None:
    """With health checks a request never meets a connection that was cut."""
    use(CONN_MAX_AGE=60, CONN_HEALTH_CHECKS=True)
    [pid] = await _request(_query)
    server(f"SELECT pg_terminate_backend({pid})")
    await _until(lambda: server(OTHERS) == [])
    [other] = await _request(_query)
    assert other != pid


async def test_server_that_has_left_without_health_checks(
    pool: ThreadPool, use: Callable[..., None], server: Any
) -> None:
    """One request gets the error, as under WSGI; the next one connects again."""
    use(CONN_MAX_AGE=60)
    [pid] = await _request(_query)
    server(f"SELECT pg_terminate_backend({pid})")

    def fails() -> None:
        with pytest.raises(Exception, match=r"terminat|closed"):
            _query()

    await _request(fails)
    assert await _request(_query) != [pid]


def _wrapper(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
    return execute(sql, params, many, context)


def _open_transaction() -> None:
    atomic = transaction.atomic()
    atomic.__enter__()


def _break() -> None:
    with pytest.raises(Exception, match="no_such_table"):
        _query("SELECT * FROM no_such_table")


LEFT: dict[str, tuple[Callable[[], object], bool]] = {
    "execute_wrappers": (lambda: connection.execute_wrappers.append(_wrapper), True),
    "schema": (lambda: setattr(connection, "schema_name", "theirs"), True),
    "tenant": (lambda: setattr(connection, "tenant", object()), True),
    "debug cursor": (lambda: setattr(connection, "force_debug_cursor", True), True),
    "an error": (_break, True),
    "transaction": (_open_transaction, False),
    "autocommit": (lambda: connection.set_autocommit(False), False),
    "transaction in SQL": (lambda: connection.cursor().execute("BEGIN"), False),
    "sharing": (lambda: connection.inc_thread_sharing(), False),
}


@pytest.mark.parametrize("kind", LEFT)
async def test_left_behind(
    pool: ThreadPool, use: Callable[..., None], server: Any, kind: str
) -> None:
    """Django's object for a connection is new; a connection in use by SQL is not kept."""
    leave, is_kept = LEFT[kind]
    use(CONN_MAX_AGE=60)

    def state() -> dict[str, Any]:
        connection.ensure_connection()
        connection.close_at = 0.0
        names = {"execute_wrappers", "schema_name", "tenant", "force_debug_cursor"}
        names |= {"in_atomic_block", "autocommit", "errors_occurred", "run_on_commit"}
        names |= {"_thread_sharing_count", "savepoint_ids", "needs_rollback"}
        return {name: getattr(connection, name, None) for name in names}

    [clean] = await _request(state)
    await _until(lambda: server(OTHERS) == [])
    pid, _ = await _request(_query, leave)
    other, left = await _request(_query, state)
    assert left == clean
    assert (other == pid) is is_kept


async def test_settings_that_change(
    pool: ThreadPool, use: Callable[..., None], server: Any
) -> None:
    """A connection to one database is not one to another, though the alias is the same."""
    use(CONN_MAX_AGE=60)
    await _request(_query)

    def change() -> None:
        connections.settings["default"]["NAME"] = "template1"

    await _request(change)
    assert await _request(lambda: _query("SELECT current_database()")) == ["template1"]


async def test_database_in_memory(pool: ThreadPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends with its request, whatever its age may be."""
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "CONN_MAX_AGE": None}
    databases = connections.configure_settings({"default": sqlite})
    monkeypatch.setattr(connections, "settings", databases)
    await _request(lambda: connection.cursor().execute("CREATE TABLE theirs (id int)"))
    [tables] = await _request(lambda: connection.introspection.table_names())
    assert tables == []


async def test_database_in_a_file(
    pool: ThreadPool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name = str(tmp_path / "test.sqlite3")
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "CONN_MAX_AGE": None}
    databases = connections.configure_settings({"default": sqlite})
    monkeypatch.setattr(connections, "settings", databases)
    [first] = await _request(lambda: (connection.cursor(), connection.connection)[1])
    assert await _request(lambda: connection.connection) == [first]


async def test_backend_that_was_not_read(
    pool: ThreadPool, use: Callable[..., None], monkeypatch: pytest.MonkeyPatch, server: Any
) -> None:
    """What a subclass keeps beside the connection is not known, so it is not carried over."""
    from django.db.backends.postgresql.base import DatabaseWrapper

    class Tenants(DatabaseWrapper):  # type: ignore[misc]
        pass

    monkeypatch.setattr(
        connections,
        "create_connection",
        lambda alias: Tenants(connections.settings[alias], alias),
    )
    use(CONN_MAX_AGE=60)
    await _request(_query)
    await _until(lambda: server(OTHERS) == [])
