"""Looking after workers: one whose event loop is held up is named with its stack, and ended.

One that has reached a limit gets a successor. Connections on their way to who is not there go to
the others.
"""

import asyncio
import logging
from collections.abc import Callable

from casgi.config import Config
from casgi.supervisor.slots import Condition
from casgi.supervisor.worker import Worker
from casgi.supervisor.workers import Workers
from casgi.waiting import wait_for_any

logger = logging.getLogger("casgi.supervisor")

_INTERVAL = 0.25


class Heartbeats:
    """Reads the scoreboard again and again. The workers write it once a turn of their loops.

    Attributes:
        on_limit: called with a worker that has reached one of its limits.

    """

    def __init__(self, workers: Workers, config: Config) -> None:
        self.on_limit: Callable[[Worker, str], None] = lambda worker, what: None
        self._workers = workers
        self._timeout = config.worker_timeout

    async def watch(self, until: asyncio.Event) -> None:
        """Look at all workers, until the event is set."""
        while not until.is_set():
            for worker in self._workers:
                if not worker.ended.done():
                    await self._look_at(worker, until)
            self._workers.share_out()
            await wait_for_any(until, timeout=_INTERVAL)

    async def _look_at(self, worker: Worker, until: asyncio.Event) -> None:
        condition = self._workers.slots.condition(worker.slot)
        if self._timeout is not None and condition.busy > self._timeout:
            await self._end(worker, condition, until)
        elif condition.is_serving:
            requests = condition.metrics["requests"]
            reached = worker.limits.reached(worker.pid, requests, worker.age)
            if reached is not None:
                self.on_limit(worker, reached)

    async def _end(self, worker: Worker, condition: Condition, until: asyncio.Event) -> None:
        logger.error(
            "%s has been held up for %.1f s, with %d connections, and is killed; it is at",
            worker,
            condition.busy,
            condition.connections,
        )
        await worker.end_with_stack(until)
