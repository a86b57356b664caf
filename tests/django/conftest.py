"""Contexts of asgiref with leased threads, in a pool of the test's own."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.django_settings import configure_django
from support.postgresql_server import PostgresqlServer, postgresql_programs

configure_django()

from casgi.django.thread_context import LeasingContexts  # noqa: E402
from casgi.django.thread_pool import ThreadPool  # noqa: E402


@pytest.fixture
def pool() -> Iterator[ThreadPool]:
    """The pool that contexts get their threads from."""
    pool = ThreadPool()
    pool.open()
    contexts = LeasingContexts(pool)
    contexts.install()
    yield pool
    contexts.remove()
    pool.close()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[dict[str, Any]]:
    """The settings of a running PostgreSQL."""
    programs = postgresql_programs()
    if programs is None or importlib.util.find_spec("psycopg") is None:
        pytest.skip("PostgreSQL's server or psycopg is not installed")
    with tempfile.TemporaryDirectory(prefix="casgi-") as folder:
        server = PostgresqlServer(programs, Path(folder))
        server.start()
        yield server.settings
        server.stop()
