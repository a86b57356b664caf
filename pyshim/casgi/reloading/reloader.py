"""The process of `--reload`: keeps the sockets, and a child that is started anew at each change.

    starting -- the child is ready --> serving -- a change --> ending the child --> starting
        `-- the child has ended: its error is shown --> waiting -- a change --> starting

The sockets are listened on all the time: who connects in between waits in their queue. Beside the
child there is one in reserve, which has imported casgi and waits to be told to begin, so that a
reload takes as long as the application needs to be imported, and not much longer.
"""

import asyncio
import logging
import signal

from casgi.config import Config
from casgi.errors import ConfigError
from casgi.hub.hub_host import HubHost
from casgi.process import open_standard_descriptors
from casgi.reloading.changes import Files, changes, check_watchfiles
from casgi.reloading.child import Child, spawn
from casgi.signals_at_start import (
    WAITING,
    forget_waiting_signals,
    let_waiting_signals_come,
)
from casgi.sockets import BoundSocket, bind_sockets, listen_error
from casgi.waiting import wait_for_any

logger = logging.getLogger("casgi.reload")

# Time for consumers to end at a reload: nobody likes to wait for their own page.
_GRACE = 0.25
_MOST_NAMED = 3


class Reloader:
    """Runs once."""

    def __init__(self, config: Config, files: Files) -> None:
        self._config = config
        self._files = files
        self._hub = HubHost(config)
        self._sockets: list[BoundSocket] = []
        self._child: Child | None = None
        self._reserve: Child | None = None
        self._stop_requested = asyncio.Event()
        self._changed = asyncio.Event()
        self._names: list[str] = []

    async def run(self) -> int:
        """Serve until a signal; return the exit code. Raise BindError, ConfigError."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._request_stop)
        forget_waiting_signals(*WAITING)  # of those that have no handler
        let_waiting_signals_come()
        self._sockets = bind_sockets(self._config)
        self._listen()
        if self._config.hub is not None:
            self._hub.start()
        watching = asyncio.create_task(self._watch())
        try:
            while not (self._stop_requested.is_set() or watching.done()):
                await self._serve_until_changed(watching)
        finally:
            self._stop_requested.set()
            await self._end_everything()
        await watching
        return 0

    def _listen(self) -> None:
        for bound in self._sockets:
            try:
                bound.listen()
            except OSError as error:
                raise listen_error(bound, error) from None
        logger.info("Watching %s", ", ".join(map(str, self._files.folders)))

    async def _watch(self) -> None:
        async for names in changes(self._files, self._stop_requested):
            self._names = names
            self._changed.set()

    async def _serve_until_changed(self, watching: "asyncio.Task[None]") -> None:
        # What changes from here on is in the child, or starts the next.
        self._changed.clear()
        child = self._child = await self._next_child()
        ends = (self._changed, self._stop_requested)
        ready = asyncio.create_task(child.is_ready())
        await wait_for_any(*ends, tasks=[ready, watching])
        if ready.done():
            self._reserve = await spawn(self._sockets)
            await wait_for_any(*ends, tasks=[child.ended, watching])
        ready.cancel()
        if child.ended.done() and not self._stop_requested.is_set():
            logger.error("The application %s; waiting for a change", child.how_it_ended())
            await wait_for_any(*ends, tasks=[watching])
        if self._changed.is_set() and not self._stop_requested.is_set():
            logger.info("Reloading: %s", _named(self._names))
            await child.end(_GRACE)

    async def _next_child(self) -> Child:
        """Return the one in reserve, or a new one, told to begin."""
        reserve, self._reserve = self._reserve, None
        if reserve is None or reserve.ended.done():
            reserve = await spawn(self._sockets)
        reserve.begin(self._sockets)
        return reserve

    async def _end_everything(self) -> None:
        if self._reserve is not None:
            await self._reserve.end(0)
        if self._child is not None:
            await self._child.end(self._config.application_close_timeout)
        self._hub.close()
        for bound in self._sockets:
            bound.close()

    def _request_stop(self) -> None:
        if self._stop_requested.is_set() and self._child is not None:
            self._child.send_signal(signal.SIGTERM)
        self._stop_requested.set()


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def run_reloader(config: Config, app_dir: str) -> int:
    """Serve, and reload, until a signal; return the exit code. Raises as Reloader.run()."""
    if config.worker_count() > 1:
        raise ConfigError("reload and workers do not go together: --reload is for development")
    check_watchfiles()
    files = Files(config.reload_dir or (".", app_dir), config.reload_include, config.reload_exclude)
    open_standard_descriptors()
    with asyncio.Runner() as runner:
        return runner.run(Reloader(config, files).run())
