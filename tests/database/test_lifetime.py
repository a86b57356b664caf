"""Nothing is kept alive, nothing is left with the loop, nothing is raised into a query."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from queries import aquery, query

from casgi.channels.database import DatabaseConnections

Settings = dict[str, Any]
Use = Callable[..., None]


async def test_stopped(calls: list[None], use: Use, database: Settings) -> None:
    known = DatabaseConnections()
    known.start(asyncio.get_running_loop())
    use(
        default={**database, "CONN_MAX_AGE": 3600},
        other={**database, "CONN_MAX_AGE": 0},
    )
    await aquery()
    await asyncio.sleep(0)  # The timer is set.
    known.stop()
    known.stop()
    await aquery("other")
    assert not known.is_due()
    trace = weakref.ref(known)
    del known
    gc.collect()
    assert trace() is None


async def test_started_again(use: Use, database: Settings) -> None:
    known = DatabaseConnections()
    loop = asyncio.get_running_loop()
    known.start(loop)
    use(default={**database, "CONN_MAX_AGE": 0})
    connection = await aquery()
    known.stop()
    known.start(loop)
    assert known.is_due(), "it is still open"
    await known.close_old()
    assert connection.connection is None
    known.stop()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_thread_that_ends(known: DatabaseConnections, use: Use, database: Settings) -> None:
    """Its connections are closed by nobody, of which their libraries complain."""
    use(default={**database, "CONN_MAX_AGE": 0})

    def connected() -> weakref.ref[Any]:
        return weakref.ref(query())

    with ThreadPoolExecutor(1) as thread:
        connection = thread.submit(connected).result()
        assert known.is_due()
    gc.collect()
    assert connection() is None
    assert not known.is_due()


def test_loop_that_ends(use: Use, database: Settings) -> None:
    """Without `stop`: a timer is pending, and then connections are opened for no loop."""
    known = DatabaseConnections()
    use(default={**database, "CONN_MAX_AGE": 3600}, other={**database, "CONN_MAX_AGE": 3600})

    async def serve(alias: str) -> None:
        known.start(asyncio.get_running_loop())
        await aquery(alias)
        await asyncio.sleep(0)

    asyncio.run(serve("default"))
    asyncio.run(sync_to_async(query)("other"))
    known.stop()


def test_loop_that_ends_while_closing(use: Use, database: Settings) -> None:
    known = DatabaseConnections()
    use(default={**database, "CONN_MAX_AGE": 0})

    async def serve() -> None:
        known.start(asyncio.get_running_loop())
        await aquery()
        known._on_timer()

    asyncio.run(serve())
    known.stop()


def test_import_needs_no_django() -> None:
    code = "import sys, casgi.channels.database as database; database.DatabaseConnections()\n"
    code += "assert not database.DatabaseConnections().is_due()\n"
    code += "assert 'django' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
