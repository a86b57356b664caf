"""Log lines about requests that wait for a thread, since there are as many as there may be."""

import asyncio
import logging
import time

from casgi.django.thread_pool import ThreadPool
from casgi.django.work import Work
from casgi.unfinished import thread_stack

LONG_WAIT = 1.0
"""Seconds after which a wait is worth a line."""
PAUSE = 10.0
"""Seconds between two lines: while threads are short, every request waits."""
_MOST_THREADS = 5

logger = logging.getLogger("casgi.django")
_last_line = float("-inf")


def watch_wait(pool: ThreadPool, work: Work) -> None:
    """Write a line if the work, which has just begun to wait, waits for long.

    For callers in an event loop; others wait by themselves.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    loop.call_later(LONG_WAIT, _report, pool, work)


def _report(pool: ThreadPool, work: Work) -> None:
    global _last_line
    now = time.monotonic()
    if not pool.waits(work) or now - _last_line < PAUSE:
        return
    _last_line = now
    threads = pool.leased_threads()
    stacks = [f"{thread.name} is at\n{thread_stack(thread)}" for thread in threads[:_MOST_THREADS]]
    if len(threads) > _MOST_THREADS:
        stacks.append(f"and {len(threads) - _MOST_THREADS} more")
    logger.warning(
        "%d requests wait for one of %d threads, the first for %.1f s (--threads):\n%s",
        pool.counts()["waiting"],
        pool.limit,
        pool.longest_wait(),
        "\n".join(stacks),
    )
