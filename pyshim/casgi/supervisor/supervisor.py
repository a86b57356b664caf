"""The process that keeps the workers. Owns the listening sockets; never imports the application.

    made -- run() --> starting -- the first worker is ready --> serving -- a signal --> stopping
                          `-- the first worker has ended: its exit code is ours

The first worker starts alone, so that an application that cannot start says so once. Signals:
SIGTERM and SIGINT stop everything, again at once; SIGHUP replaces the workers one by one; SIGTTIN
and SIGTTOU make them one more or one less; SIGUSR1 opens the logs anew.
"""

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine
from typing import Any

from casgi.config import Config
from casgi.log_files import reopen_logging
from casgi.process import open_standard_descriptors
from casgi.signals import has_terminal
from casgi.sockets import BoundSocket, bind_sockets, listen_error, log_addresses
from casgi.supervisor.children import Children
from casgi.supervisor.handover import Handover, InheritedSocket
from casgi.supervisor.seat import Seat
from casgi.supervisor.worker import Worker, spawn
from casgi.waiting import wait_for_any

logger = logging.getLogger("casgi.supervisor")

# What a worker may take beyond the time of its stop, in which it says itself what holds it up.
_LAST_STEPS = 8.0
_SIGNALS_APART = 0.2
_FAILED = 1


class Supervisor:
    """Runs once."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._sockets: list[BoundSocket] = []
        self._seats: list[Seat] = []
        self._workers: set[Worker] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._exit_code = 0
        self._stop_requested = asyncio.Event()
        self._abort_requested = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._is_listening = False
        self._has_terminal = has_terminal()

    async def run(self) -> int:
        """Serve until a signal; return the exit code. Raise BindError, ConfigError."""
        self._sockets = bind_sockets(self._config)
        try:
            with Children() as self._children:
                self._take_signals()
                try:
                    if await self._start():
                        await self._stop_requested.wait()
                finally:
                    await self._stop()
        finally:
            for bound in self._sockets:
                bound.close()
        return self._exit_code

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

    def _listen(self) -> None:
        """Listen, once somebody will accept; one that was passed to us may do so already."""
        if self._is_listening:
            return
        self._is_listening = True
        for bound in self._sockets:
            try:
                bound.listen()
            except OSError as error:
                raise listen_error(bound, error) from None
        log_addresses(self._sockets)

    def _add_seat(self) -> Seat:
        seat = Seat(len(self._seats), self._start_worker, self._listen)
        self._seats.append(seat)
        return seat

    async def _start_worker(self, seat: int) -> Worker:
        sockets = tuple(InheritedSocket.of(bound) for bound in self._sockets)
        pid, end = spawn(Handover(seat, sockets))
        worker = Worker(seat, pid, self._children.end_of(pid))
        self._workers.add(worker)
        worker.ended.add_done_callback(lambda _: self._on_worker_end(worker))
        await worker.connect(end, self._on_worker_leaving)
        return worker

    # --- Workers that end ---

    def _on_worker_end(self, worker: Worker) -> None:
        self._workers.discard(worker)
        worker.close()
        code = worker.ended.result()
        if self._stop_requested.is_set() or not self._is_listening:
            self._exit_code = self._exit_code or (code if code >= 0 else _FAILED)
        if code != 0 or not worker.is_expected_to_end:
            logger.error("%s %s", worker, worker.how_it_ended())

    def _on_worker_leaving(self, worker: Worker) -> None:
        for seat in self._seats:
            if seat.worker is worker:
                self._run(self._replace_unless_stopping(seat))

    async def _replace_unless_stopping(self, seat: Seat) -> None:
        # A service manager stops all processes of a service, and this one perhaps last.
        await wait_for_any(self._stop_requested, timeout=_SIGNALS_APART)
        await seat.replace()

    # --- Changes ---

    async def _reload(self) -> None:
        """Replace the workers one by one; stop at the first whose successor cannot start."""
        if self._reloading.locked():
            logger.info("The workers are being replaced already")
            return
        async with self._reloading:
            logger.info("Replacing the workers")
            for seat in list(self._seats):
                if not await seat.replace():
                    if not self._stop_requested.is_set():
                        logger.error("The new worker did not start: the others stay as they are")
                    return
            logger.info("The workers were replaced")

    def _add_worker(self) -> None:
        seat = self._add_seat()
        logger.info("SIGTTIN: %d workers", len(self._seats))
        self._run(seat.keep())

    def _remove_worker(self) -> None:
        if len(self._seats) == 1:
            logger.warning("SIGTTOU: the last worker stays")
            return
        seat = self._seats.pop()
        logger.info("SIGTTOU: %d workers", len(self._seats))
        self._run(seat.retire())

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
            logger.error("%s does not end, and is killed", worker)
            worker.kill()
        await self._wait_for_workers(None)
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


def run_supervisor(config: Config) -> int:
    """Serve by several workers until a signal; return the exit code. Raises as Supervisor.run()."""
    open_standard_descriptors()
    with asyncio.Runner() as runner:
        return runner.run(Supervisor(config).run())
