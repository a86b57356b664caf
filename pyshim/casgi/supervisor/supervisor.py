"""The process that keeps the workers. Owns the listening sockets; never imports the application.

    made -- run() --> starting -- the first worker is ready --> serving -- a signal --> stopping
               |          `-- the first worker has ended: its exit code is ours
               `-- in the place of another one: serving

The first worker starts alone, so that an application that cannot start says so once. Signals:
SIGTERM and SIGINT stop everything, again at once; SIGHUP replaces the workers one by one; SIGUSR2
this program first (upgrade.py); SIGTTIN and SIGTTOU make them one more or one less; SIGUSR1 opens
the logs anew.
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from casgi import __version__, _core
from casgi.config import Config
from casgi.control.by_supervisor import SupervisorHead
from casgi.control.endpoint import ControlEndpoint, ControlSocket
from casgi.hub.hub_host import HubHost
from casgi.log_files import reopen_logs
from casgi.process import open_standard_descriptors
from casgi.signals_at_start import (
    STOP_SIGNALS,
    had_terminal,
    has_terminal,
    let_waiting_signals_come,
)
from casgi.sockets import BoundSocket, bind_sockets
from casgi.supervisor.children import Children
from casgi.supervisor.ending import LAST_STEPS, end_workers
from casgi.supervisor.heartbeats import Heartbeats
from casgi.supervisor.inheritance import Inheritance, inherit_socket, listening_options
from casgi.supervisor.rolling import Rolling
from casgi.supervisor.seat import Seat
from casgi.supervisor.service_manager import ServiceManager
from casgi.supervisor.supervisor_status import SupervisorStatus
from casgi.supervisor.upgrade import Upgrade, let_signals_through
from casgi.supervisor.worker import Worker
from casgi.supervisor.worker_signals import HELD_BACK
from casgi.supervisor.workers import Workers
from casgi.waiting import wait_for_any
from casgi.workers_config import MOST_WORKERS

logger = logging.getLogger("casgi.supervisor")

_SIGNALS_APART = 0.2
_FAILED = 1


class Supervisor:
    """Runs once."""

    def __init__(self, config: Config, left: Inheritance | None = None) -> None:
        """Take what another supervisor has left to this process."""
        self._config = config
        self._left = left
        self._seats: list[Seat] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._exit_code = 0
        self._stop_requested = asyncio.Event()
        self._abort_requested = asyncio.Event()
        self._ended = asyncio.Event()
        self._service_manager = ServiceManager()
        self._rolling = Rolling(self._seats, self._service_manager, self._stop_requested)
        self._has_terminal = had_terminal()

    async def run(self) -> int:
        """Serve until a signal; return the exit code. Raise BindError, ConfigError."""
        left = self._left
        self._take_signals(dict.fromkeys(STOP_SIGNALS, self._request_stop))
        with Children() as children, contextlib.ExitStack() as ends:
            sockets = _inherit_sockets(left) if left else bind_sockets(self._config)
            for bound in sockets:
                ends.callback(bound.close)
            if left is None:
                children.reap()  # What the shell has left whose place this process took.
            seats = _seats_for(self._config.worker_count())
            self._workers = Workers(sockets, seats, children, self._config, left)
            ends.callback(self._workers.close)
            ends.callback(self._service_manager.close)
            self._hub = HubHost(self._config, left.hub_folder if left else None)
            ends.callback(self._hub.close)
            self._hub.start()
            self._workers.on_end = self._on_worker_end
            self._workers.on_leaving = self._on_worker_leaving
            # Before anybody asks for their counts: a sum that goes down is wrong for ever.
            inherited = await self._workers.inherit(left.workers) if left else []
            self._status = SupervisorStatus(self._config.metrics, left.status if left else None)
            is_stopping = self._stop_requested.is_set
            ends.callback(await self._status.start(self._workers, self._hub, is_stopping))
            longest = self._config.worker_start_timeout
            alive = self._service_manager.alive
            self._upgrade = Upgrade(children, longest, self._rolling, self._hub, self._leave, alive)
            await self._answer_control(ends)
            self._take_signals(self._changes())
            let_waiting_signals_come()
            try:
                if self._go_on(left, inherited) if left else await self._start():
                    self._run(self._service_manager.keep_alive(self._ended))
                    self._run(self._say_ready())
                    heartbeats = Heartbeats(self._workers, self._config)
                    heartbeats.on_limit = self._on_limit
                    await heartbeats.watch(self._stop_requested)
            finally:
                await self._stop()
        return self._exit_code

    async def _answer_control(self, ends: contextlib.ExitStack) -> None:
        left = self._left.control if self._left else None
        bound = self._control = ControlSocket.inherit(self._config.control, left)
        if bound is None:
            return
        ends.callback(bound.close)
        head = SupervisorHead(self._workers, self._drain)
        endpoint = ControlEndpoint(bound, head.answer)
        endpoint.on_worker = head.take_worker
        await endpoint.start()
        ends.callback(endpoint.close)

    # --- Starting ---

    async def _start(self) -> bool:
        """Return whether the first worker serves; the others follow."""
        if self._stop_requested.is_set():
            return False
        # All of them, so that SIGTTIN and SIGTTOU make them one more or less already.
        first, *others = [self._add_seat() for _ in range(self._config.worker_count())]
        starting = asyncio.create_task(first.fill())
        await wait_for_any(self._stop_requested, tasks=[starting])
        if not starting.done():
            self._run(starting)
            return False
        if not starting.result():
            self._exit_code = self._exit_code or _FAILED
            return False
        for seat in (first, *others):
            self._run(seat.keep())
        return True

    def _go_on(self, left: Inheritance, inherited: list[Worker]) -> bool:
        """Take the place of another supervisor; its workers serve until they are replaced."""
        logger.info("casgi %s goes on where %s has ended", __version__, left.version)
        is_as_before = left.worker_count == self._config.worker_count()
        for _ in range(left.seats if is_as_before else self._config.worker_count()):
            self._add_seat()
        for worker in inherited:
            if worker.is_current and worker.seat < len(self._seats):
                self._seats[worker.seat].inherit(worker)
                if worker.is_expected_to_end:
                    self._on_worker_leaving(worker)
            else:
                self._run(self._see_off(worker))
        let_signals_through()
        for seat in self._seats:
            self._run(seat.keep())
        self._run(self._rolling.reload())
        return True

    async def _say_ready(self) -> None:
        """Tell the service manager when every worker serves."""
        for seat in list(self._seats):
            await wait_for_any(seat.filled, self._stop_requested)
        if not self._stop_requested.is_set():
            self._service_manager.ready(len(self._seats))

    def _add_seat(self) -> Seat:
        leaving = self._config.seconds_to_leave()
        longest = None if leaving is None else leaving + LAST_STEPS
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
        if worker.has_ended_as_expected():
            return
        code = worker.ended.result()
        if self._stop_requested.is_set() or not self._workers.is_listening:
            self._exit_code = self._exit_code or (code if code >= 0 else _FAILED)
        logger.error("%s %s", worker, worker.how_it_ended())

    def _on_worker_leaving(self, worker: Worker) -> None:
        for seat in self._seats:
            if seat.has(worker):
                self._run(self._replace_unless_stopping(seat, worker))

    async def _replace_unless_stopping(self, seat: Seat, worker: Worker) -> None:
        """Replace a worker that was asked to end; it ends also when it gets no successor."""
        # A service manager stops all processes of a service, and this one perhaps last.
        await wait_for_any(self._stop_requested, timeout=_SIGNALS_APART)
        if not self._stop_requested.is_set() and not await seat.replace(worker):
            await seat.see_off(worker)

    async def _see_off(self, worker: Worker) -> None:
        """Let a worker end whose seat has another one, or is given up."""
        await Seat(worker.seat, self._workers.start, lambda: None).see_off(worker)
        self._workers.share_out()

    def _on_limit(self, worker: Worker, reached: str) -> None:
        if self._rolling.is_replacing:
            return  # The next look tries again.
        for seat in self._seats:
            if seat.worker is worker:
                logger.info("%s has reached %s, and is replaced", worker, reached)
                self._run(self._rolling.recycle(seat))
                return

    def _drain(self, number: int) -> bool:
        """Replace the worker of a number, from 1; return whether that has begun."""
        is_possible = not (self._stop_requested.is_set() or self._rolling.is_replacing)
        for seat in self._seats:
            if seat.number == number - 1 and seat.worker is not None and is_possible:
                logger.info("%s is drained, and replaced", seat.worker)
                self._run(self._rolling.recycle(seat))
                return True
        return False

    # --- Changes ---

    def _leave(self) -> Inheritance:
        return Inheritance(
            version=__version__,
            listening=listening_options(self._config),
            worker_count=self._config.worker_count(),
            seats=len(self._seats),
            status=self._status.leave(),
            control=self._control.leave() if self._control else None,
            hub_folder=self._hub.folder,
            **self._workers.leave({seat.worker for seat in self._seats}),
        )

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
        self._workers.share_out()

    def _reopen_logs(self) -> None:
        reopen_logs()
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
        timeout = self._config.application_close_timeout
        await end_workers(self._workers, timeout, self._abort_requested)
        self._ended.set()
        if self._tasks:
            await asyncio.wait(self._tasks)

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

    def _changes(self) -> dict[signal.Signals, Callable[[], object]]:
        return {
            signal.SIGHUP: self._hang_up,
            signal.SIGUSR1: self._reopen_logs,
            signal.SIGUSR2: lambda: self._run(self._upgrade.run(self._stop_requested)),
            signal.SIGTTIN: self._add_worker,
            signal.SIGTTOU: self._remove_worker,
        }

    def _take_signals(self, handlers: Mapping[signal.Signals, Callable[[], object]]) -> None:
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
            self._run(self._rolling.reload())


def _seats_for(workers: int) -> int:
    """Return how many workers there can ever be: SIGTTIN makes more."""
    return min(MOST_WORKERS, max(2 * workers, workers + 8))


def _inherit_sockets(left: Inheritance) -> list[BoundSocket]:
    return [inherit_socket(each) for each in left.sockets]


def run_supervisor(config: Config, left: Inheritance | None = None) -> int:
    """Serve by several workers until a signal; return the exit code. Raises as Supervisor.run()."""
    open_standard_descriptors()
    _core.make_room_for_signals()
    with asyncio.Runner() as runner:
        exit_code = runner.run(Supervisor(config, left).run())
        # The loop gives them their defaults back, which would end what has ended.
        signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
    return exit_code
