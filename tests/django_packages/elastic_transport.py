"""What Elastic's client has in the place of its connection, by its dotted name."""

from __future__ import annotations

from typing import Any

from elasticapm.transport.base import Transport

kept: list[Any] = []


class KeptTransport(Transport):  # type: ignore[misc]
    """Keeps what would be sent."""

    def queue(self, event_type: str, data: Any, flush: bool = False) -> None:
        kept.append({"event": event_type, **data})

    def start_thread(self, pid: int | None = None) -> None: ...

    def close(self) -> None: ...
