"""The end of all workers: asked for, waited for, and in the end made."""

import asyncio
import logging

from casgi.supervisor.workers import Workers
from casgi.waiting import wait_for_any

logger = logging.getLogger("casgi.supervisor")

LAST_STEPS = 8.0
"""Seconds that a worker may take beyond its stop's time, to say itself what holds it up."""


async def end_workers(workers: Workers, timeout: float | None, abort: asyncio.Event) -> None:
    """Return when all have ended.

    Args:
        workers: those that run.
        timeout: seconds that a worker's stop may take; None: any time.
        abort: when it is set, no such time is left to them.

    """
    for worker in workers:
        worker.stop()
    if not abort.is_set():
        seconds = None if timeout is None else timeout + LAST_STEPS
        await _wait_for(workers, seconds, abort)
    await _wait_for(workers, LAST_STEPS)
    for worker in workers:
        logger.error("%s does not end, and is killed; it is at", worker)
    await asyncio.gather(*(worker.end_with_stack() for worker in workers))
    await _wait_for(workers, None)


async def _wait_for(workers: Workers, seconds: float | None, *ends: asyncio.Event) -> None:
    ended = asyncio.gather(*(worker.ended for worker in workers))
    await wait_for_any(*ends, tasks=[ended], timeout=seconds)
