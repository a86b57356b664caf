"""A process at the hub as the core sees it: a HubClient on a loop of its own, and what it hears."""

from __future__ import annotations

import time
from collections.abc import Callable

from casgi import _core

DEADLINE = 30.0


class CorePeer:
    """A client that is turned by the test, and writes down what it is told."""

    def __init__(self, path: str, project: bytes = b"project", **options: float) -> None:
        """Make a client that is not connected yet."""
        self.heard: list[tuple[bytes, bytes]] = []
        self.failures: list[tuple[int, int]] = []
        self.events: list[str] = []
        self.holds = False
        self.client = _core.HubClient(path, project, self, **options)

    def on_deliver(self, topic: bytes, payload: bytes) -> bool:
        """Take a message; False when the test holds it."""
        self.heard.append((topic, payload))
        return not self.holds

    on_message = on_deliver

    def on_acked(self) -> None:
        """Nothing: wait() looks by itself."""

    def on_failed(self, number: int, failure: int) -> None:
        """Write it down."""
        self.failures.append((number, failure))

    def on_up(self, again: int) -> None:
        """Write it down."""
        self.events.append("up again" if again else "up")

    def on_gap(self) -> None:
        """Write it down."""
        self.events.append("gap")

    def on_down(self) -> None:
        """Write it down."""
        self.events.append("down")

    def wait(self, number: int) -> None:
        """Turn until the hub has answered what has this number."""
        assert number > 0, self.client.reason
        self.until(lambda: self.client.acked >= number)

    def until(self, holds: Callable[[], bool]) -> None:
        """Turn until the condition holds."""
        end = time.monotonic() + DEADLINE
        while not holds():
            assert time.monotonic() < end, f"heard {len(self.heard)}, {self.events}"
            self.client.turn(0.1)

    def synchronize(self) -> None:
        """Take everything that the hub has sent before now."""
        self.wait(self.client.publish(b"nobody's", b""))


MakePeer = Callable[..., CorePeer]
