"""Waiting for whichever comes first."""

import asyncio
from collections.abc import Iterable
from typing import Any


async def wait_for_any(
    *events: asyncio.Event,
    tasks: Iterable[asyncio.Future[Any]] = (),
    timeout: float | None = None,
) -> None:
    """Return when one event is set, one task has ended, or the timeout is over.

    The tasks are left running.
    """
    waiters = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait([*waiters, *tasks], timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for waiter in waiters:
            waiter.cancel()
