"""One server in one event loop: what is started before the core, and stopped after it.

    made -- start() --> serving -- stop() --> draining --> closed
                                      `-- request_stop() twice, or the timeout: abort --^

The sockets are bound before the application's lifespan starts, so that a port in use is found
first, and listened on after it, so that no request meets an application that is not ready.
"""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable
from typing import Any

from casgi import _core
from casgi.accelerations import Accelerations
from casgi.advice import advise
from casgi.asyncio_copies import warn_of_copies
from casgi.config import Config
from casgi.errors import LifespanError
from casgi.forks import Descriptors, leave_to_parent_after_fork
from casgi.green_threads import warn_of_green_queues
from casgi.hub.hub_host import HubHost, announce_hub
from casgi.hub.serving import join_hub
from casgi.importer import import_application
from casgi.legacy import as_asgi3
from casgi.lifespan import Lifespan
from casgi.log_files import AccessLogFile, reopen_logs
from casgi.proxy_protocol import proxy_acceptor
from casgi.signals import LogSignals, StopSignals
from casgi.signals_at_start import STOP_SIGNALS
from casgi.slow_consumer import log_slow_consumer
from casgi.sockets import BoundSocket, bind_sockets, listen_error, log_addresses
from casgi.status.inspection import Inspection
from casgi.stopping import Stopping
from casgi.tls import TlsAcceptors
from casgi.unfinished import log_overdue
from casgi.waiting import wait_for_any
from casgi.watchdog import Watchdog

logger = logging.getLogger("casgi.server")


class Server:
    """Serves an application in the running event loop, until it is stopped.

    Either `await server.serve()`, or `async with server:` around what shall happen meanwhile.
    """

    _stop_signals: tuple[signal.Signals, ...] = STOP_SIGNALS

    def __init__(self, application: Any, config: Config | None = None) -> None:
        """Take an ASGI 3 or ASGI 2 application, or the "module:attribute" that names one."""
        self.config = config or Config()
        announce_hub(self.config)
        if isinstance(application, str):
            application = import_application(application)
        self._application = as_asgi3(application)
        if self.config.verify_shared:
            from casgi.channels.verification import observed

            self._application = observed(self._application)
        self._lifespan = Lifespan(self._application, self.config.lifespan)
        self._sockets: list[BoundSocket] = []
        self._proxies = proxy_acceptor(self.config)
        self._tls = TlsAcceptors(self._proxies)
        self._core: _core.Server | None = None
        self._access_log = AccessLogFile(None)
        self._inspection: Inspection | None = None
        self._stopping: Stopping | None = None
        self._process = os.getpid()
        self._accelerations = Accelerations(self.config)
        self._hub = HubHost(self.config)
        self._leave_hub: Callable[[], None] | None = None
        self._idle = asyncio.Event()
        self._stop_requested = asyncio.Event()
        self._abort_requested = asyncio.Event()
        self._closing = asyncio.Lock()

    @property
    def was_aborted(self) -> bool:
        """Whether applications had to be cancelled when the server stopped."""
        return self._stopping is not None and self._stopping.was_aborted

    @property
    def exit_code(self) -> int:
        """0, or what a process ends with whose application's lifespan has failed."""
        return LifespanError.exit_code if self._lifespan.failed else 0

    def seconds_left(self, least: float) -> float | None:
        """Return how long a stop may still take, `least` at least; None for no limit."""
        return self._begin_stopping().seconds_left(least)

    @property
    def addresses(self) -> list[Any]:
        """Where the server listens: (host, port) for TCP, a path for a Unix socket."""
        return [bound.address for bound in self._sockets]

    async def __aenter__(self) -> "Server":
        await self.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.stop()

    async def serve(
        self, *, shutdown_event: asyncio.Event | None = None, handle_signals: bool = False
    ) -> None:
        """Serve until cancelled, until request_stop() or until shutdown_event is set.

        Only with handle_signals do SIGINT and SIGTERM call request_stop(), and SIGUSR1
        reopen_logs().
        """
        ends = [self._stop_requested] + ([shutdown_event] if shutdown_event else [])
        with contextlib.ExitStack() as signals:
            if handle_signals:
                self._take_signals(signals)
            try:
                if await self._start_unless(*ends):
                    await wait_for_any(*ends)
            finally:
                await self.stop()

    def _take_signals(self, until: contextlib.ExitStack) -> None:
        """Handle signals, and watch over the loop that they come to."""
        stop_signals = until.enter_context(StopSignals(self.request_stop, self._stop_signals))
        until.enter_context(LogSignals(self.reopen_logs, self.renew, self.request_stop))
        timeout = self.config.application_close_timeout
        until.enter_context(Watchdog(stop_signals, timeout, self._open_connections))

    def _open_connections(self) -> int | None:
        core = self._core
        return None if core is None else core.connections

    def request_stop(self) -> None:
        """Ask for a graceful stop; called again, for one without waiting for anything."""
        self._begin_stopping()
        if self._stop_requested.is_set():
            self._abort_requested.set()
        self._stop_requested.set()

    async def start(self) -> None:
        """Bind, start the application's lifespan, listen. Raise BindError or LifespanError."""
        self._stopping = None
        advise()
        warn_of_copies()
        warn_of_green_queues()
        try:
            self._sockets = self._bind()
            self._listening = Descriptors(bound.socket.fileno() for bound in self._sockets)
            for bound in self._sockets:
                if bound.tls is not None:
                    self._tls.get(bound.tls)
            self._start_hub()
            self._access_log = AccessLogFile(self.config.access_log)
            # Before the lifespan starts something that waits at a layer; again after it, which may
            # have imported Channels.
            self._accelerations.begin()
            state = await self._lifespan.startup()
            self._accelerations.begin()
            self._inspection = self._make_inspection()
            self._core = _core.Server(
                self._application,
                asyncio.get_running_loop(),
                state=state,
                access_log_fd=self._access_log.descriptor,
                **self.config.core_options(),
            )
            leave_to_parent_after_fork(self._core)
            self._leave_hub = join_hub(self._core)
            self._core.on_idle = self._idle.set
            self._core.on_slow_consumer = log_slow_consumer
            self._core.on_overdue = log_overdue
            # With Channels as it is, no consumer says that it is one.
            self._core.drops_late_messages = self._accelerations.leaves_alone("channels")
            await self._before_listening()
            self._inspection.begin(self._core)
            for bound in self._sockets:
                self._listen(self._core, bound)
            self._on_listening(self._core)
            self._inspection.observe(self._core)
            self._tls.watch()
        except BaseException:
            await self._close()
            raise

    async def stop(self) -> None:
        """Stop listening, let requests finish, end the lifespan. Can be called in any state."""
        self._begin_stopping()
        self._stop_requested.set()
        await self._close()

    def reopen_logs(self) -> None:
        """Open the files of the logs anew, after they were renamed: what SIGUSR1 does."""
        if reopen_logs(self._access_log):
            logger.info("The logs were opened anew")

    def renew(self) -> None:
        """Read anew what lies in files and may change while it serves: what SIGHUP does."""
        self.reopen_logs()
        self._tls.renew()

    def _make_inspection(self) -> Inspection:
        """Return what answers and notes if somebody may ask how the server is."""
        stop_requested = self._stop_requested
        return Inspection(self.config, lambda: not stop_requested.is_set(), self._hub.metrics)

    def _bind(self) -> list[BoundSocket]:
        """Return the sockets to listen on, which are the server's from now on."""
        return bind_sockets(self.config)

    def _start_hub(self) -> None:
        """Run the hub that other processes of the host shall find."""
        if self.config.hub is not None:
            self._hub.start()

    async def _before_listening(self) -> None:
        """Wait until connections may be accepted: the application is ready for them."""

    def _begin_stopping(self) -> Stopping:
        if self._stopping is None:
            timeout = self.config.application_close_timeout
            self._stopping = Stopping(timeout, self._abort_requested, self.config.drain)
        return self._stopping

    async def _close(self) -> None:
        if os.getpid() != self._process:
            return  # A forked child has nothing to say to clients and application.
        stopping = self._begin_stopping()
        async with self._closing:
            core, self._core = self._core, None
            try:
                if core is not None:
                    logger.info("Shutting down")
                    core.stop_listening()
                self._close_sockets()
                if core is not None:
                    await stopping.drain(core, self._idle)
            finally:
                leave_hub, self._leave_hub = self._leave_hub, None
                if leave_hub is not None:
                    leave_hub()
                if self._inspection is not None:
                    self._inspection.end()
                if core is not None:
                    core.close()
                self._accelerations.end()
                await stopping.end_lifespan(self._lifespan)
                if self._inspection is not None:
                    self._inspection.close()
                self._hub.close()
                self._access_log.close()

    async def _start_unless(self, *ends: asyncio.Event) -> bool:
        """Start, and return whether that was finished before one of the events was set."""
        starting = asyncio.create_task(self.start())
        try:
            await wait_for_any(*ends, tasks=[starting])
        finally:
            if not starting.done():
                starting.cancel()
                await asyncio.wait([starting])
        if starting.cancelled():
            return False
        starting.result()
        return True

    def _listen(self, core: _core.Server, bound: BoundSocket) -> None:
        try:
            acceptor = self._proxies if bound.tls is None else self._tls.get(bound.tls).core
            core.listen(bound.socket.fileno(), bound.backlog, acceptor)
        except OSError as error:
            raise listen_error(bound, error) from None

    def _on_listening(self, core: _core.Server) -> None:
        log_addresses(self._sockets)

    def _close_sockets(self) -> None:
        self._tls.close()
        sockets, self._sockets = self._sockets, []
        for bound in sockets:
            bound.close()
