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
import sys
from collections.abc import Callable
from typing import Any

from casgi import _core
from casgi.config import Config
from casgi.errors import CasgiError
from casgi.importer import import_application
from casgi.legacy import as_asgi3
from casgi.lifespan import Lifespan
from casgi.signals import StopSignals
from casgi.slow_consumer import log_slow_consumer
from casgi.sockets import BoundSocket, bind_sockets, listen_error
from casgi.tls import TlsAcceptors
from casgi.unfinished import log_overdue, log_unfinished
from casgi.waiting import wait_for_any

logger = logging.getLogger("casgi.server")

# Time for cancelled application tasks to run their finally blocks.
_ABORT_TIMEOUT = 1.0
_STDOUT = 1


class Server:
    """Serves an application in the running event loop, until it is stopped.

    Either `await server.serve()`, or `async with server:` around what shall happen meanwhile.
    """

    def __init__(self, application: Any, config: Config | None = None) -> None:
        """Take an ASGI 3 or ASGI 2 application, or the "module:attribute" that names one."""
        if isinstance(application, str):
            application = import_application(application)
        self.config = config or Config()
        self.was_aborted = False
        """Whether applications had to be cancelled when the server stopped."""
        self._application = as_asgi3(application)
        self._lifespan = Lifespan(self._application, self.config.lifespan)
        self._sockets: list[BoundSocket] = []
        self._tls = TlsAcceptors()
        self._core: _core.Server | None = None
        self._access_log_fd = -1
        # What to call at the end for each library that is stood in for, and those that are not.
        self._accelerations: dict[str, Callable[[], None]] = {}
        self._left_alone: set[str] = set()
        self._idle = asyncio.Event()
        self._stop_requested = asyncio.Event()
        self._abort_requested = asyncio.Event()
        self._closing = asyncio.Lock()

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

        Only with handle_signals do SIGINT and SIGTERM call request_stop().
        """
        ends = [self._stop_requested] + ([shutdown_event] if shutdown_event else [])
        signals = StopSignals(self.request_stop) if handle_signals else contextlib.nullcontext()
        with signals:
            try:
                if await self._start_unless(*ends):
                    await wait_for_any(*ends)
            finally:
                await self.stop()

    def request_stop(self) -> None:
        """Ask for a graceful stop; called again, for one without waiting for anything."""
        if self._stop_requested.is_set():
            self._abort_requested.set()
        self._stop_requested.set()

    async def start(self) -> None:
        """Bind, start the application's lifespan, listen. Raise BindError or LifespanError."""
        try:
            self._sockets = bind_sockets(self.config)
            for bound in self._sockets:
                if bound.tls is not None:
                    self._tls.get(bound.tls)
            self._access_log_fd = _open_access_log(self.config.access_log)
            # Before the lifespan starts something that waits at a layer; again after it, which may
            # have imported Channels.
            self._begin_acceleration()
            state = await self._lifespan.startup()
            self._begin_acceleration()
            self._core = _core.Server(
                self._application,
                asyncio.get_running_loop(),
                state=state,
                access_log_fd=self._access_log_fd,
                **self.config.core_options(),
            )
            self._core.on_idle = self._idle.set
            self._core.on_slow_consumer = log_slow_consumer
            self._core.on_overdue = log_overdue
            # With Channels as it is, no consumer says that it is one.
            self._core.drops_late_messages = "channels" in self._left_alone
            for bound in self._sockets:
                self._listen(self._core, bound)
            self._tls.watch()
        except BaseException:
            await self._close()
            raise

    async def stop(self) -> None:
        """Stop listening, let requests finish, end the lifespan. Can be called in any state."""
        self._stop_requested.set()
        await self._close()

    async def _close(self) -> None:
        async with self._closing:
            core, self._core = self._core, None
            try:
                if core is not None:
                    logger.info("Shutting down")
                    core.stop_listening()
                self._close_sockets()
                if core is not None:
                    await self._drain(core)
            finally:
                if core is not None:
                    core.close()
                self._end_acceleration()
                await self._end_lifespan()
                self._close_access_log()

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

    def _begin_acceleration(self) -> None:
        """Stand in for what the application uses: see casgi.channels and casgi.django."""
        begins = {"channels.consumer": _begin_channels, "django.core.handlers.asgi": _begin_django}
        for module, begin in begins.items():
            library = module.partition(".")[0]
            has_decided = library in self._accelerations or library in self._left_alone
            if has_decided or module not in sys.modules:
                continue
            end = begin(self.config)
            if end is None:
                self._left_alone.add(library)
            else:
                self._accelerations[library] = end

    def _end_acceleration(self) -> None:
        ends, self._accelerations = self._accelerations, {}
        self._left_alone.clear()
        for end in ends.values():
            end()

    def _listen(self, core: _core.Server, bound: BoundSocket) -> None:
        try:
            tls = None if bound.tls is None else self._tls.get(bound.tls).core
            core.listen(bound.socket.fileno(), bound.backlog, tls)
        except OSError as error:
            raise listen_error(bound, error) from None
        logger.info("Listening on %s", str(bound))  # a handler may format it later

    def _close_sockets(self) -> None:
        self._tls.close()
        sockets, self._sockets = self._sockets, []
        for bound in sockets:
            bound.close()

    def _close_access_log(self) -> None:
        if self._access_log_fd > _STDOUT:
            os.close(self._access_log_fd)
        self._access_log_fd = -1

    async def _drain(self, core: _core.Server) -> None:
        """Wait until connections and applications have ended; abort those that do not."""
        timeout = self.config.application_close_timeout
        try:
            core.shutdown()
            await self._wait_until_idle(core, timeout)
            if (core.connections or core.tasks) and not self._abort_requested.is_set():
                log_unfinished(core, timeout)
        finally:
            if core.connections or core.tasks:
                self.was_aborted = True
                core.abort()
                await self._wait_until_idle(core, _ABORT_TIMEOUT, even_if_aborting=True)

    async def _wait_until_idle(
        self, core: _core.Server, timeout: float | None, *, even_if_aborting: bool = False
    ) -> None:
        self._idle.clear()
        if core.connections or core.tasks:
            ends = [self._idle] + ([] if even_if_aborting else [self._abort_requested])
            await wait_for_any(*ends, timeout=timeout)

    async def _end_lifespan(self) -> None:
        ending = asyncio.create_task(self._lifespan.shutdown())
        try:
            await wait_for_any(self._abort_requested, tasks=[ending])
        finally:
            if not ending.done():
                ending.cancel()
                await self._lifespan.cancel()


def _open_access_log(path: str | None) -> int:
    """Return the descriptor to write access-log lines to, -1 for none."""
    if path is None:
        return -1
    if path == "-":
        return _STDOUT
    try:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise CasgiError(f"cannot write the access log {path}: {error.strerror}") from None


def _begin_channels(config: Config) -> Callable[[], None] | None:
    """Stand in for Channels; return what ends that, or None if it is left as it is."""
    from casgi.channels.acceleration import acceleration
    from casgi.channels.releases import obstacle

    reason = obstacle() if config.accelerate else "--no-accelerate"
    if reason is not None:
        logger.info("Channels as it is: %s", reason)
        return None
    loop = asyncio.get_running_loop()
    logger.info("%s", acceleration.begin(loop, verify=config.verify_shared))
    return acceleration.end


def _begin_django(config: Config) -> Callable[[], None] | None:
    """Stand in for parts of asgiref; return what ends that, or None."""
    from casgi.django.acceleration import acceleration, obstacle

    reason = obstacle() if config.accelerate else "--no-accelerate"
    if reason is not None:
        logger.info("Django as it is: %s", reason)
        return None
    logger.info("%s", acceleration.begin())
    return acceleration.end
