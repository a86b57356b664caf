"""The lifespan protocol of ASGI: the application is notified once that the server starts and stops.

    startup() -> starting -- startup.complete --> running -- shutdown() --> ended
                    |                                 `-- returned or raised: serving goes on
                    |-- startup.failed: LifespanError
                    `-- returned or raised: "auto" serves without lifespan, "on" is a LifespanError

One task runs the application from startup to shutdown, as task groups within it need.
"""

import asyncio
import logging
from typing import Any

from casgi.asgi import Application, Event
from casgi.config import LifespanMode
from casgi.errors import LifespanError
from casgi.unfinished import task_stack
from casgi.waiting import wait_for_any

logger = logging.getLogger("casgi.lifespan")

# Time for the application's own cleaning up after it has said that its shutdown is complete.
_LAST_STEPS_TIMEOUT = 1.0


class Lifespan:
    """One run of the application with a scope of type "lifespan".

    Attributes:
        failed: whether the application has said so, has raised, or has not ended in time, once it
            had started.

    """

    def __init__(self, application: Application, mode: LifespanMode) -> None:
        self._application = application
        self._mode = mode
        self._state: dict[str, Any] = {}
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._has_received = False
        self._task: asyncio.Task[None] | None = None
        self._started = asyncio.Event()
        self._stopped = asyncio.Event()
        self._failure: str | None = None
        self.failed = False

    async def startup(self) -> dict[str, Any] | None:
        """Return the state for the scopes, None without lifespan; raise LifespanError."""
        if self._mode == "off":
            return None
        self._events.put_nowait({"type": "lifespan.startup"})
        self._task = asyncio.create_task(self._run(), name="casgi lifespan")
        try:
            await wait_for_any(self._started, tasks=[self._task])
        except asyncio.CancelledError:
            if not self._started.is_set():
                await self.cancel()
            raise
        if self._failure is not None:
            await self.cancel()
            raise LifespanError(f"the application could not start: {self._failure}")
        if self._started.is_set():
            self._task.add_done_callback(self._on_early_end)
            return self._state
        error = self._take_result()
        if self._mode == "on":
            raise LifespanError(
                "the application does not support lifespan: it ended before startup was complete"
            ) from error
        self._log_unsupported(error)
        return None

    async def shutdown(self, timeout: float | None = None) -> None:
        """Notify the application of the stop, and wait for it; it has `timeout` seconds."""
        if self._task is None:
            return
        if self._task.done():
            self._task = None
            return
        self._task.remove_done_callback(self._on_early_end)
        self._failure = None
        self._events.put_nowait({"type": "lifespan.shutdown"})
        await wait_for_any(self._stopped, tasks=[self._task], timeout=timeout)
        if self._stopped.is_set() or self._task.done():
            await asyncio.wait([self._task], timeout=_LAST_STEPS_TIMEOUT)
        self._log_shutdown(self._task, timeout)
        await self.cancel()

    async def cancel(self) -> None:
        """End the task without asking the application."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task], timeout=_LAST_STEPS_TIMEOUT)
            if task.done() and not task.cancelled():
                task.exception()  # which was said already

    async def _run(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self._state,
        }
        await self._application(scope, self._receive, self._send)

    async def _receive(self) -> Event:
        self._has_received = True
        return await self._events.get()

    async def _send(self, event: Event) -> None:
        phase, _, result = event["type"].removeprefix("lifespan.").partition(".")
        expected = "startup" if not self._started.is_set() else "shutdown"
        if phase != expected or result not in ("complete", "failed"):
            raise RuntimeError(f'"{event["type"]}" is not a lifespan message of {expected}')
        if result == "failed":
            self._failure = event.get("message") or "it gave no reason"
        done = self._started if phase == "startup" else self._stopped
        done.set()

    def _take_result(self) -> BaseException | None:
        """Return the exception that ended the task, if any, and forget the task."""
        task, self._task = self._task, None
        assert task is not None
        return None if task.cancelled() else task.exception()

    def _log_unsupported(self, error: BaseException | None) -> None:
        if error is not None and self._has_received:
            # It knew the protocol, so this is likelier a fault than a missing feature.
            logger.warning("The application failed in lifespan.startup; serving", exc_info=error)
        else:
            logger.debug("The application does not support lifespan", exc_info=error)

    def _log_shutdown(self, task: asyncio.Task[None], timeout: float | None) -> None:
        """Write what went wrong after lifespan.shutdown, and remember that something did."""
        error = task.exception() if task.done() and not task.cancelled() else None
        self.failed = True
        if self._failure is not None:
            logger.error("The application's shutdown failed: %s", self._failure)
        elif error is not None:
            logger.error("The application's shutdown failed", exc_info=error)
        elif not task.done() and not self._stopped.is_set():
            logger.error(
                "The application's shutdown has not ended in %.3g s, and is cancelled at\n%s",
                timeout,
                task_stack(task),
            )
        else:
            self.failed = False

    def _on_early_end(self, task: asyncio.Task[None]) -> None:
        """Say at once what went wrong while it is served; an application may also just return."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failed = True
            logger.error(
                "The application's lifespan has failed while it is served; serving goes on, "
                "and the exit status will be %d",
                LifespanError.exit_code,
                exc_info=error,
            )
