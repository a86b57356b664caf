"""The place of one worker: whoever has it, and who comes after."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from casgi.supervisor.back_off import BackOff
from casgi.supervisor.worker import Worker
from casgi.waiting import wait_for_any

logger = logging.getLogger("casgi.supervisor")


class Seat:
    """Has one worker that serves, and starts the next when that has ended or is to be replaced.

    Attributes:
        number: from 0.
        worker: who serves, or was the last to; None before the first.
        filled: set when the first worker serves.

    """

    def __init__(
        self,
        number: int,
        start: Callable[[int], Awaitable[Worker]],
        before_serving: Callable[[], None],
        *,
        longest_start: float | None = None,
        longest_leave: float | None = None,
    ) -> None:
        """Take how to start a worker, what comes before one serves, and the times of both ends."""
        self.number = number
        self.worker: Worker | None = None
        self.filled = asyncio.Event()
        self._start = start
        self._before_serving = before_serving
        self._longest_start = longest_start
        self._longest_leave = longest_leave
        self._changing = asyncio.Lock()
        self._back_off = BackOff()
        self._given_up = asyncio.Event()
        self._latest: Worker | None = None
        self._changed = asyncio.Event()

    def hold(self) -> asyncio.Lock:
        """Return what is to be entered while the worker shall not be changed."""
        return self._changing

    def has(self, worker: Worker) -> bool:
        """Whether it is who serves here, or is about to."""
        return worker in (self.worker, self._latest)

    def inherit(self, worker: Worker) -> None:
        """Have a worker that serves already."""
        self.worker = self._latest = worker
        self.filled.set()

    async def fill(self) -> bool:
        """Start a worker; return whether it serves, or has ended before it could."""
        async with self._changing:
            return await self._fill()

    async def keep(self) -> None:
        """See to it that there is a worker, until give_up()."""
        while not self._given_up.is_set():
            if self.worker is not None and not self.worker.ended.done():
                # Or until it is another's end that matters: a worker that leaves takes its time.
                self._changed.clear()
                await wait_for_any(self._changed, tasks=[self.worker.ended])
            else:
                await self._fill_again()

    async def replace(self, worker: Worker | None = None) -> bool:
        """Start a new worker, then let the old one end; return whether the new one serves.

        A certain worker that has been replaced meanwhile is not replaced again.
        """
        async with self._changing:
            old = self.worker
            if worker not in (None, old):
                return True
            if self._given_up.is_set() or not await self._fill():
                return False
        await self.see_off(old)
        return True

    async def retire(self) -> None:
        """Let the worker end, and start none after it."""
        self.give_up()
        async with self._changing:
            worker = self.worker
        await self.see_off(worker)

    def give_up(self) -> None:
        """Start no more workers."""
        self._given_up.set()
        self._changed.set()

    async def see_off(self, worker: Worker | None) -> None:
        """Let a worker end without losing a request; end it, when it takes far too long."""
        if worker is None or worker.ended.done():
            return
        worker.leave()
        await asyncio.wait([worker.ended], timeout=self._longest_leave)
        if not worker.ended.done():
            logger.error("%s does not end, and is killed; it is at", worker)
            await worker.end_with_stack(self._given_up)
            await asyncio.wait([worker.ended])

    async def _fill(self) -> bool:
        self._latest = None
        try:
            self._latest = await self._start(self.number)
        except OSError as error:
            logger.error("Worker %d cannot be started: %s", self.number + 1, error.strerror)
            return False
        if not await self._latest.is_ready(self._longest_start):
            return False
        if self._given_up.is_set():
            self._latest.stop()
            return False
        self._before_serving()
        if not await self._latest.serve(self._longest_start):
            return False
        self.worker = self._latest
        self._changed.set()
        self.filled.set()
        logger.info("%s serves", self.worker)
        return True

    async def _fill_again(self) -> None:
        # Not under the lock: a reload may bring what the next start needs.
        await self._wait(self._back_off.after(self._latest.age if self._latest else 0))
        async with self._changing:
            has_worker = self.worker is not None and not self.worker.ended.done()
            if not (has_worker or self._given_up.is_set()):
                await self._fill()

    async def _wait(self, seconds: float) -> None:
        if seconds:
            logger.warning("Worker %d is started again in %.1f s", self.number + 1, seconds)
            self._changed.clear()
            await wait_for_any(self._changed, timeout=seconds)
