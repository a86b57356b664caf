"""The process that keeps the workers. Owns the listening sockets; never imports the application.

    made -- run() --> starting -- the first worker is ready --> serving -- a signal --> stopping
                          `-- the first worker has ended: its exit code is ours

The first worker starts alone, so that an application that cannot start says so once. Signals:
SIGTERM and SIGINT stop everything, again at once; SIGHUP replaces the workers one by one; SIGTTIN
and SIGTTOU make them one more or one less; SIGUSR1 opens the logs anew.
"""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any

from casgi.config import MOST_WORKERS, Config
from casgi.control.by_supervisor import SupervisorHead
from casgi.control.endpoint import ControlEndpoint, ControlSocket
from casgi.log_files import reopen_logging
from casgi.process import open_standard_descriptors
from casgi.signals import has_terminal
from casgi.sockets import bind_sockets
from casgi.status.answering import Status, StatusServer, bind_status
from casgi.supervisor.children import Children
from casgi.supervisor.heartbeats import Heartbeats
from casgi.supervisor.hub_host import HubHost
from casgi.supervisor.seat import Seat
from casgi.supervisor.service_manager import ServiceManager
from casgi.supervisor.supervisor_status import supervisor_metrics
from casgi.supervisor.worker import Worker
from casgi.supervisor.workers import Workers
from casgi.waiting import wait_for_any

logger = logging.getLogger("casgi.supervisor")

# What a worker may take beyond the time of its stop, in which it says itself what holds it up.
_LAST_STEPS = 8.0
_SIGNALS_APART = 0.2
_TIME_TO_WRITE = 0.5
# Until it is tried again to replace a worker that has reached a limit.
_AFTER_FAILURE = 30.0
_FAILED = 1


class Supervisor:
    """Runs once."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._seats: list[Seat] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._exit_code = 0
        self._stop_requested = asyncio.Event()
        self._abort_requested = asyncio.Event()
        self._ended = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._reload_requested = asyncio.Event()
        self._service_manager = ServiceManager()
        self._has_terminal = has_terminal()

    async def run(self) -> int:
        """Serve until a signal; return the exit code. Raise BindError, ConfigError."""
        with Children() as children, contextlib.ExitStack() as ends:
            sockets = bind_sockets(self._config)
            for bound in sockets:
                ends.callback(bound.close)
            self._workers = Workers(
                sockets, _seats_for(self._config.worker_count()), children, self._config
            )
            ends.callback(self._workers.close)
            ends.callback(self._service_manager.close)
            hub = HubHost(self._config.hub)
            ends.callback(hub.close)
            hub.start()
            await self._answer_status(hub, ends)
            await self._answer_control(ends)
            self._workers.on_end = self._on_worker_end
            self._workers.on_leaving = self._on_worker_leaving
            self._take_signals()
            try:
                if await self._start():
                    self._run(self._service_manager.keep_alive(self._ended))
                    self._run(self._say_ready())
                    heartbeats = Heartbeats(self._workers, self._config)
                    heartbeats.on_limit = self._on_limit
                    await heartbeats.watch(self._stop_requested)
            finally:
                await self._stop()
        return self._exit_code

    async def _answer_status(self, hub: HubHost, ends: contextlib.ExitStack) -> None:
        if self._config.metrics is None:
            return
        workers, pid = self._workers, os.getpid()
        status = Status(
            is_ready=lambda: workers.is_serving() and not self._stop_requested.is_set(),
            metrics=lambda: supervisor_metrics(workers, hub, pid),
        )
        server = StatusServer(bind_status(self._config.metrics), status)
        await server.start()
        ends.callback(server.close)

    async def _answer_control(self, ends: contextlib.ExitStack) -> None:
        if self._config.control is None:
            return
        bound = ControlSocket(self._config.control)
        ends.callback(bound.close)
        head = SupervisorHead(self._workers, self._drain)
        endpoint = ControlEndpoint(bound, head.answer)
        endpoint.on_worker = head.take_worker
        await endpoint.start()
        ends.callback(endpoint.close)

    # --- Starting ---

    async def _start(self) -> bool:
        """Return whether the first worker serves; the others follow."""
        first = self._add_seat()
        starting = asyncio.create_task(first.fill())
        await wait_for_any(self._stop_requested, tasks=[starting])
        if not starting.done():
            self._run(starting)
            return False
        if not starting.result():
            self._exit_code = self._exit_code or _FAILED
            return False
        self._run(first.keep())
        while len(self._seats) < self._config.worker_count():
            self._run(self._add_seat().keep())
        return True

    async def _say_ready(self) -> None:
        """Tell the service manager when every worker serves."""
        for seat in list(self._seats):
            await wait_for_any(seat.filled, self._stop_requested)
        if not self._stop_requested.is_set():
            self._service_manager.ready(len(self._seats))

    def _add_seat(self) -> Seat:
        leaving = self._config.seconds_to_leave()
        longest = None if leaving is None else leaving + _LAST_STEPS
        seat = Seat(
            len(self._seats),
            self._workers.start,
            self._workers.listen,
            longest_start=self._config.worker_start_timeout,
            longest_leave=longest,
        )
        self._seats.append(seat)
        return seat

    # --- Workers that end ---

    def _on_worker_end(self, worker: Worker) -> None:
        if worker.has_ended_as_told():
            return
        code = worker.ended.result()
        if self._stop_requested.is_set() or not self._workers.is_listening:
            self._exit_code = self._exit_code or (code if code >= 0 else _FAILED)
        logger.error("%s %s", worker, worker.how_it_ended())

    def _on_worker_leaving(self, worker: Worker) -> None:
        for seat in self._seats:
            if seat.worker is worker:
                self._run(self._replace_unless_stopping(seat, worker))

    async def _replace_unless_stopping(self, seat: Seat, worker: Worker) -> None:
        """Replace a worker that was asked to end; it ends also when it gets no successor."""
        # A service manager stops all processes of a service, and this one perhaps last.
        await wait_for_any(self._stop_requested, timeout=_SIGNALS_APART)
        if not self._stop_requested.is_set() and not await seat.replace():
            await seat.see_off(worker)

    def _on_limit(self, worker: Worker, reached: str) -> None:
        # One after the other: a host has memory for one worker more. The next look tries again.
        if self._reloading.locked():
            return
        for seat in self._seats:
            if seat.worker is worker:
                logger.info("%s has reached %s, and is replaced", worker, reached)
                self._run(self._recycle(seat))
                return

    def _drain(self, number: int) -> bool:
        """Replace the worker of a number, from 1; return whether that has begun."""
        is_possible = not (self._stop_requested.is_set() or self._reloading.locked())
        for seat in self._seats:
            if seat.number == number - 1 and seat.worker is not None and is_possible:
                logger.info("%s is drained, and replaced", seat.worker)
                self._run(self._recycle(seat))
                return True
        return False

    async def _recycle(self, seat: Seat) -> None:
        async with self._reloading:
            if not await seat.replace() and not self._stop_requested.is_set():
                logger.error("The new worker did not start: the old one stays")
                ends = self._stop_requested, self._reload_requested
                await wait_for_any(*ends, timeout=_AFTER_FAILURE)

    # --- Changes ---

    async def _reload(self) -> None:
        """Replace the workers one by one; stop at the first whose successor cannot start.

        What is deployed while workers are being replaced is for those that were started before,
        too: then all are replaced once more.
        """
        if self._reload_requested.is_set():
            return  # One that has not begun will do.
        self._reload_requested.set()
        if self._reloading.locked():
            logger.info("The workers are replaced when those that are being replaced have ended")
        async with self._reloading:
            self._reload_requested.clear()
            if self._stop_requested.is_set():
                return
            logger.info("Replacing the workers")
            self._service_manager.reloading()
            try:
                await self._replace_all()
            finally:
                self._service_manager.ready(len(self._seats))

    async def _replace_all(self) -> None:
        for seat in list(self._seats):
            if not await seat.replace() and seat in self._seats:
                if not self._stop_requested.is_set():
                    logger.error("The new worker did not start: the others stay as they are")
                return
        logger.info("The workers were replaced")

    def _add_worker(self) -> None:
        if self._stop_requested.is_set():
            return
        if len(self._seats) == self._workers.seats:
            logger.warning("SIGTTIN: there can be no more than %d workers", self._workers.seats)
            return
        seat = self._add_seat()
        logger.info("SIGTTIN: %d workers", len(self._seats))
        self._run(seat.keep())

    def _remove_worker(self) -> None:
        if self._stop_requested.is_set():
            return
        if len(self._seats) == 1:
            logger.warning("SIGTTOU: the last worker stays")
            return
        seat = self._seats.pop()
        logger.info("SIGTTOU: %d workers", len(self._seats))
        self._run(self._retire(seat))

    async def _retire(self, seat: Seat) -> None:
        await seat.retire()
        if not self._stop_requested.is_set() and seat.number >= len(self._seats):
            self._workers.empty_seat(seat.number, to=0)

    def _reopen_logs(self) -> None:
        reopen_logging()
        for worker in self._workers:
            worker.reopen_logs()

    # --- Stopping ---

    def _request_stop(self) -> None:
        if self._stop_requested.is_set():
            self._abort_requested.set()
            for worker in self._workers:
                worker.abort()
        self._stop_requested.set()

    async def _stop(self) -> None:
        """End all workers, and wait for them."""
        self._stop_requested.set()
        self._service_manager.stopping()
        for seat in self._seats:
            seat.give_up()
        for worker in self._workers:
            worker.stop()
        timeout = self._config.application_close_timeout
        if not self._abort_requested.is_set():
            seconds = None if timeout is None else timeout + _LAST_STEPS
            await self._wait_for_workers(seconds, self._abort_requested)
        await self._wait_for_workers(_LAST_STEPS)
        for worker in self._workers:
            worker.show_stack()
        await self._wait_for_workers(_TIME_TO_WRITE)
        for worker in self._workers:
            logger.error("%s does not end, and is killed", worker)
            worker.kill()
        await self._wait_for_workers(None)
        self._ended.set()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _wait_for_workers(self, seconds: float | None, *ends: asyncio.Event) -> None:
        ended = asyncio.gather(*(worker.ended for worker in self._workers))
        await wait_for_any(*ends, tasks=[ended], timeout=seconds)

    # --- Tasks and signals ---

    def _run(self, work: Coroutine[Any, Any, object] | asyncio.Task[bool]) -> None:
        """Do something beside the rest. What goes wrong with it ends the server."""
        task = work if isinstance(work, asyncio.Task) else asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_task_done)

    def _on_task_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if (error := task.exception()) is not None:
            logger.critical("The supervisor has failed", exc_info=error)
            self._exit_code = self._exit_code or _FAILED
            self._stop_requested.set()

    def _take_signals(self) -> None:
        handlers: dict[signal.Signals, Callable[[], object]] = {
            signal.SIGINT: self._request_stop,
            signal.SIGTERM: self._request_stop,
            signal.SIGHUP: self._hang_up,
            signal.SIGUSR1: self._reopen_logs,
            signal.SIGTTIN: self._add_worker,
            signal.SIGTTOU: self._remove_worker,
        }
        loop = asyncio.get_running_loop()
        for number, handler in handlers.items():
            # What is ignored (nohup) stays so.
            if signal.getsignal(number) != signal.SIG_IGN:
                loop.add_signal_handler(number, handler)

    def _hang_up(self) -> None:
        if self._has_terminal and not has_terminal():
            logger.info("SIGHUP: the terminal has gone")
            self._request_stop()
        else:
            self._run(self._reload())


def _seats_for(workers: int) -> int:
    """Return how many workers there can ever be: SIGTTIN makes more."""
    return min(MOST_WORKERS, max(2 * workers, workers + 8))


def run_supervisor(config: Config) -> int:
    """Serve by several workers until a signal; return the exit code. Raises as Supervisor.run()."""
    open_standard_descriptors()
    with asyncio.Runner() as runner:
        return runner.run(Supervisor(config).run())
