"""Many requests at once: a slow database behind few threads, sync and async views that wait.

AT_ONCE of each, which `make django-load` sets to 2,000 and then prints what it has counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from support.casgi_process import CasgiProcess

FOLDER = Path(__file__).parent
AT_ONCE = int(os.environ.get("AT_ONCE", "150"))
THREADS = 12
QUERY_SECONDS = 0.02
SECONDS = 600
MANY = 1000  # and more are not for every test run
KEPT = 4  # threads that stay, with their connections
COMPUTING = 8
DEPTH = 20
pytestmark = pytest.mark.timeout(SECONDS)


@pytest.fixture(scope="module", autouse=True)
def descriptors() -> Iterator[None]:
    """Enough of them, for this process and the server's."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4 * AT_ONCE + 500)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextlib.contextmanager
def _server(*arguments: str, **variables: str) -> Iterator[int]:
    """A server of the site; yield its port."""
    own = ["-b", "127.0.0.1", "-p", "0", "--no-access-log", *arguments, "load_site:application"]
    with contextlib.closing(CasgiProcess(*own, folder=FOLDER, variables=variables)) as process:
        yield process.port()
        assert process.stop() == 0


async def _send(port: int, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
    return reader, writer


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """Return what was answered with status 200."""
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 200 "), head
    return body.decode()


async def _get(port: int, path: str) -> str:
    return await _read(*await _send(port, path))


def _say(text: str) -> None:
    if "AT_ONCE" in os.environ:
        print(f"\n{text}")


def _connections(own: psycopg.Connection[Any]) -> int:
    """Count those of others at the database's server."""
    row = own.execute(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    ).fetchone()
    return int(row[0]) if row else 0


async def test_slow_database(postgresql: dict[str, Any]) -> None:
    """Each request gets its answer, by as many connections as there are threads."""
    database = json.dumps({**postgresql, "CONN_MAX_AGE": 60})
    paths = [f"/slow/{number}/?seconds={QUERY_SECONDS}" for number in range(AT_ONCE)]
    address = {"host": postgresql["HOST"], "port": postgresql["PORT"], "user": postgresql["USER"]}
    with (
        _server("--threads", str(THREADS), LOAD_DATABASE=database) as port,
        psycopg.connect(**address, dbname=postgresql["NAME"], autocommit=True) as own,
    ):
        begun = time.monotonic()
        answers = await asyncio.gather(*(_get(port, path) for path in paths))
        seconds = time.monotonic() - begun
        numbers, backends = zip(*map(str.split, answers), strict=True)
        assert [int(number) for number in numbers] == list(range(AT_ONCE))
        assert len(set(backends)) <= THREADS
        assert _connections(own) <= THREADS
        _say(
            f"{AT_ONCE} requests at once, {THREADS} threads, queries of {QUERY_SECONDS} s:"
            f" {len(answers)} answered in {seconds:.1f} s, {len(set(backends))} connections"
        )
        if AT_ONCE >= MANY:
            while _connections(own) > KEPT:
                await asyncio.sleep(0.2)
            _say(f"{_connections(own)} connections are left when the threads are idle")


async def test_sync_views_that_wait_for_each_other() -> None:
    """All of them begin, though none ends before the last is there."""
    with _server() as port:
        begun = time.monotonic()
        paths = [f"/meet/{AT_ONCE}/"] * AT_ONCE
        answers = await asyncio.gather(*(_get(port, path) for path in paths))
        assert answers == ["met"] * AT_ONCE
        _say(f"{AT_ONCE} sync views met in {time.monotonic() - begun:.1f} s")


async def test_views_that_compute_until_another_has_begun() -> None:
    """They want the GIL all the time, and are more than may begin at once."""
    with _server() as port:
        computing = [asyncio.create_task(_get(port, "/spin/")) for _ in range(COMPUTING)]
        answers = [await _get(port, f"/meet/{number}/") for number in [1] * COMPUTING]
        assert answers == ["met"] * COMPUTING
        assert not any(task.done() for task in computing)
        await _get(port, "/stop/")
        assert await asyncio.gather(*computing) == ["stopped"] * COMPUTING


async def test_views_that_ask_their_own_server() -> None:
    """Each waits for one that comes behind it, of four chains at once."""
    with _server() as port:
        answers = await asyncio.gather(*(_get(port, f"/chain/{DEPTH}/") for _ in range(4)))
        assert answers == [" ".join(map(str, range(DEPTH, -1, -1)))] * 4


async def test_waiting_views() -> None:
    """All wait at once; of some the clients leave, and each other one gets its answer."""
    with _server() as port:
        await _wait_at_once(port)


async def _wait_at_once(port: int) -> None:
    streams = await asyncio.gather(*(_send(port, f"/wait/{n}/") for n in range(AT_ONCE)))
    await _until_counted(port, waiting=AT_ONCE, left=0)
    leaving = range(0, AT_ONCE, 3)
    for number in leaving:
        streams[number][1].transport.abort()
    await _until_counted(port, waiting=AT_ONCE - len(leaving), left=len(leaving))
    await _get(port, "/release/")
    staying = [number for number in range(AT_ONCE) if number not in leaving]
    answers = await asyncio.gather(*(_read(*streams[number]) for number in staying))
    assert answers == [str(number) for number in staying]
    await _until_counted(port, waiting=0, left=len(leaving))
    _say(f"{AT_ONCE} async views wait: {len(leaving)} clients leave, {len(answers)} are answered")


async def _until_counted(port: int, **expected: int) -> None:
    while json.loads(await _get(port, "/count/")) != expected:
        await asyncio.sleep(0.05)
