"""Contexts of asgiref with leased threads, in a pool of the test's own."""

from __future__ import annotations

import contextlib
import importlib.util
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.django_settings import configure_django
from support.postgresql_server import PostgresqlServer, postgresql_programs

configure_django()

from django_sites import Site  # noqa: E402
from support.casgi_process import CasgiProcess  # noqa: E402

from casgi.django import own_receivers, thread_pool  # noqa: E402
from casgi.django.thread_context import LeasingContexts  # noqa: E402
from casgi.django.thread_pool import ThreadPool  # noqa: E402
from casgi.origin import WatchedCode  # noqa: E402


@pytest.fixture(autouse=True)
def trusted_code() -> None:
    """Code of Django that a test has replaced is trusted by the next."""
    if own_receivers._code.change() is not None:
        own_receivers._code = WatchedCode(own_receivers._look)


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadPool]:
    """The pool that contexts get their threads from; one that a machine stops is not held up."""
    monkeypatch.setattr(thread_pool, "HELD_UP_SECONDS", 1000.0)
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


@pytest.fixture(scope="session")
def sites() -> Iterator[tuple[Site, Site]]:
    """The site of `load_site` with ours in place, and as Django has it."""
    with contextlib.ExitStack() as stack:
        found = []
        for options in ([], ["--no-accelerate"]):
            # Other tests come between two requests of one connection.
            own = ["-b", "127.0.0.1", "-p", "0", "--keep-alive-timeout", "3600"]
            own += ["--no-access-log", *options]
            process = CasgiProcess(*own, "load_site:application", folder=Path(__file__).parent)
            stack.enter_context(contextlib.closing(process))
            found.append(stack.enter_context(contextlib.closing(Site(process.port()))))
        yield found[0], found[1]
