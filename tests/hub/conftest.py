"""A hub for each test, at a path that no other has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from core_peer import CorePeer, MakePeer

from casgi import _core


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where the hub of the test is."""
    return str(tmp_path / "hub")


@pytest.fixture
def hub(path: str) -> Iterator[_core.Hub]:
    """A hub that serves."""
    hub = _core.Hub(path)
    hub.start()
    yield hub
    hub.stop()


@pytest.fixture
def make_peer(path: str) -> Iterator[MakePeer]:
    """Make peers, which are closed at the end."""
    peers: list[CorePeer] = []

    def make(project: bytes = b"project", **options: float) -> CorePeer:
        peers.append(CorePeer(path, project, **options))
        return peers[-1]

    yield make
    for peer in peers:
        peer.client.close()
