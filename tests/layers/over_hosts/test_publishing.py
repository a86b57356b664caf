"""What is given to the hub for its own processes goes to no other host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from casgi.channels.hosts import candidate, wire
from casgi.channels.hosts.layer import RedisHubChannelLayer


class Client:
    """Takes down what a layer gives to the hub: into channels, and to topics."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []
        self.published: list[bytes] = []

    def send(self, channel: bytes, payload: bytes, *numbers: int) -> int:
        self.kept.append(payload)
        return 1

    def publish(self, topic: bytes, payload: bytes, wants_receiver: bool) -> int:
        self.published.append(payload)
        return 2


def test_what_handlers_have_sent_stays_on_the_host(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    entered: list[Any] = []
    monkeypatch.setattr(candidate, "enter", entered.append)
    layer, client = RedisHubChannelLayer(hub=str(tmp_path / "hub")), Client()
    assert layer.prefix and len(entered) == 1
    assert layer.publishing(b"topic", b"message", on_host=b"\xc1with runs")(client) == 2
    assert client.kept == [wire.message(b"topic", b"message")]
    assert client.published == [b"\xc1with runs"]
