"""Replacing workers, one after the other: at a reload, and when one has reached a limit.

A host has memory for one worker more, so that all of it happens under one lock.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from casgi.supervisor.seat import Seat
from casgi.supervisor.service_manager import ServiceManager
from casgi.waiting import wait_for_any

logger = logging.getLogger("casgi.supervisor")

# Until it is tried again to replace a worker that has reached a limit.
_AFTER_FAILURE = 30.0


class Rolling:
    """Replaces the workers of seats, which may change meanwhile."""

    def __init__(
        self, seats: list[Seat], service_manager: ServiceManager, stop_requested: asyncio.Event
    ) -> None:
        """Borrow all three."""
        self._seats = seats
        self._service_manager = service_manager
        self._stop_requested = stop_requested
        self._replacing = asyncio.Lock()
        self._is_reload_waiting = False
        self._somebody_waits = asyncio.Event()

    @property
    def is_replacing(self) -> bool:
        """Whether a worker is being replaced, or nobody may replace one."""
        return self._replacing.locked()

    @contextlib.asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Wait until no worker is being replaced; none is while this is entered."""
        self._somebody_waits.set()
        async with self._replacing:
            self._somebody_waits.clear()
            yield

    @contextlib.asynccontextmanager
    async def unchanged(self) -> AsyncIterator[None]:
        """Wait until no seat changes its worker; none does while this is entered."""
        async with contextlib.AsyncExitStack() as held:
            for seat in self._seats:
                await held.enter_async_context(seat.hold())
            yield

    async def reload(self) -> None:
        """Replace the workers one by one; stop at the first whose successor cannot start.

        What is deployed while workers are being replaced is for those that were started before,
        too: then all are replaced once more.
        """
        if self._is_reload_waiting:
            return  # One that has not begun will do.
        self._is_reload_waiting = True
        if self.is_replacing:
            logger.info("The workers are replaced when those that are being replaced have ended")
        async with self.alone():
            self._is_reload_waiting = False
            if self._stop_requested.is_set():
                return
            logger.info("Replacing the workers")
            self._service_manager.reloading()
            try:
                await self._replace_all()
            finally:
                self._service_manager.ready(len(self._seats))

    async def recycle(self, seat: Seat) -> None:
        """Replace one that has reached a limit; the next look tries again if that fails."""
        async with self._replacing:
            if await seat.replace() or seat not in self._seats:
                return  # One that is given up has no successor.
            if not self._stop_requested.is_set():
                logger.error("The new worker did not start: the old one stays")
                ends = self._stop_requested, self._somebody_waits
                await wait_for_any(*ends, timeout=_AFTER_FAILURE)

    async def _replace_all(self) -> None:
        for seat in list(self._seats):
            if not await seat.replace() and seat in self._seats:
                if not self._stop_requested.is_set():
                    logger.error("The new worker did not start: the others stay as they are")
                return
        logger.info("The workers were replaced")
