"""The project's servers: each kind once, with the layer in memory and with Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from site_process import SERVERS, Answers, Ask, Site, prepare_database, site
from support.redis_server import RedisServer


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("channels")


@pytest.fixture(scope="session")
def database(folder: Path) -> Path:
    prepare_database(folder)
    return folder


def both(database: Path, folder: Path, redis: str | None = None) -> Iterator[list[Site]]:
    """Serve by each server, with a Redis database of its own: groups have the same names."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                site(server, database, folder, redis_url=redis and f"{redis}/{number}")
            )
            for number, server in enumerate(SERVERS)
        ]


@pytest.fixture(scope="session")
def in_memory(database: Path, folder: Path) -> Iterator[list[Site]]:
    yield from both(database, folder)


@pytest.fixture(scope="session")
def in_redis(database: Path, folder: Path) -> Iterator[list[Site]]:
    with RedisServer(folder) as redis:
        yield from both(database, folder, redis.url)


@pytest.fixture(scope="session")
def starts(database: Path, folder: Path) -> list[Any]:
    def start(server: str, *options: str) -> Any:
        return site(server, database, folder, *options)

    return [partial(start, server) for server in SERVERS]


@pytest.fixture(scope="session")
def ask() -> Iterator[Ask]:
    """Put a check to both servers at once; return the answers by server."""
    with ThreadPoolExecutor(len(SERVERS)) as pool:

        def answers(check: Callable[[Any], Any], sites: list[Any]) -> Answers:
            return dict(zip(SERVERS, pool.map(check, sites), strict=True))

        yield answers
