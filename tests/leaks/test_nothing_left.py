"""Whatever clients do leaves nothing behind: blocks of Python's allocator, bytes of the C heap,
objects of the core, counted in the server's process before and after.

What is kept on purpose (free lists, caches, buffers that have grown) grows by less and less; a leak
goes on. So what has grown counts only when it grows by as much in each of many rounds. `make leaks`
does more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from leaks_server import Counts, LeaksServer
from operations import OPERATIONS, Operation
from support.raw import request

TIMES = int(os.environ.get("LEAKS_TIMES", "60"))
ROUNDS = 24
# One leaked block of an operation: what grows by less in a round grows for another reason.
LEAST = {"python blocks": TIMES, "heap bytes": TIMES * 16}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LeaksServer]:
    """The server, after one of everything."""
    with LeaksServer(tmp_path_factory.mktemp("leaks")) as server:
        for act in OPERATIONS.values():
            act(server)
        yield server


def grown(before: Counts, after: Counts) -> dict[str, int]:
    """Return by how much what counts has grown."""
    growth = {name: after[name] - before[name] for name in after}
    return {name: more for name, more in growth.items() if more >= LEAST.get(name, 1)}


def left_each_time(server: LeaksServer, act: Operation) -> set[str]:
    """Return what has grown in each of the rounds; nothing as soon as one round leaves nothing."""
    leaked: set[str] | None = None
    before: Counts | None = None
    for _ in range(ROUNDS + 1):
        for _ in range(TIMES):
            act(server)
        now = server.count()
        if before is not None:
            more = set(grown(before, now))
            leaked = more if leaked is None else leaked & more
            if not leaked:
                return set()
        before = now
    assert leaked is not None
    return leaked


@pytest.mark.parametrize("name", OPERATIONS)
def test_nothing_is_left(server: LeaksServer, name: str) -> None:
    assert left_each_time(server, OPERATIONS[name]) == set()


def test_what_is_left_is_found(server: LeaksServer) -> None:
    def act(server: LeaksServer) -> None:
        server.ask(request("/plain/keep"))

    assert left_each_time(server, act) == {"python blocks", "heap bytes"}
