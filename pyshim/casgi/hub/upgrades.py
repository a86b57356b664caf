"""A hub whose server is being upgraded goes, and comes back: who needs it meanwhile waits for it.

The server leaves a sign beside the hub's socket before another version takes its place. It stays
for some seconds, since a process may notice late that the hub has gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

from casgi.hub.errors import HubUnavailable
from casgi.hub.loops import running_loop

LONGEST = 10.0
"""Seconds in which the other version certainly has its hub."""
_MOMENT = 0.02

Result = TypeVar("Result")


def begin_upgrade(path: str) -> None:
    """Leave the sign for the hub at this path."""
    with contextlib.suppress(OSError):
        Path(_sign(path)).touch(0o644)


def end_upgrade(path: str) -> None:
    """Take the sign away, if it is there."""
    with contextlib.suppress(OSError):
        os.unlink(_sign(path))


def is_upgraded(path: str) -> bool:
    """Return whether the hub at this path has gone to come back, or was away just now."""
    try:
        return time.time() - os.stat(_sign(path)).st_mtime < LONGEST
    except OSError:
        return False


async def over_upgrades(path: str, attempt: Callable[[], Awaitable[Result]]) -> Result:
    """Await what is attempted, again while the hub is being upgraded. Raise HubUnavailable."""
    while True:
        try:
            return await attempt()
        except HubUnavailable:
            if not is_upgraded(path):
                raise
        await asyncio.sleep(_MOMENT)


def plainly_over_upgrades(path: str, attempt: Callable[[], Result]) -> Result:
    """Do the same by plain calls, where no event loop would have to wait."""
    while True:
        try:
            return attempt()
        except HubUnavailable:
            if not is_upgraded(path) or running_loop() is not None:
                raise
        time.sleep(_MOMENT)


@contextlib.contextmanager
def excused_by_upgrades(path: str) -> Iterator[None]:
    """Let who waits for an answer to what was sent before an upgrade go on without it."""
    try:
        yield
    except HubUnavailable:
        # Members are told of a gap, in which it may be.
        if not is_upgraded(path):
            raise


def _sign(path: str) -> str:
    return f"{path}.upgrade"
