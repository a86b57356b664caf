"""A server in an event loop of a thread's own, stopped from any other thread."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from casgi.config import Config
from casgi.forks import ending_forks
from casgi.loop import new_event_loop
from casgi.server import Server


class ThreadServer:
    """Serves in whichever thread calls run(), until another one calls stop()."""

    def __init__(
        self,
        application: Any,
        config: Config,
        new_loop: Callable[[], asyncio.AbstractEventLoop] = new_event_loop,
    ) -> None:
        """Take what a Server takes, and what makes the event loop."""
        self._new_loop = new_loop
        self._application = application
        self._config = config
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: _TellingServer | None = None
        self._is_stopped = False
        self._is_started = threading.Event()
        self._has_ended = threading.Event()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop, of a server that is running."""
        if self._loop is None:
            raise RuntimeError("the server does not run")
        return self._loop

    @property
    def addresses(self) -> list[Any]:
        """Where it listens, as Server.addresses."""
        return [] if self._server is None else self._server.addresses

    def run(self) -> None:
        """Serve until stop() is called. Raises what the start raises."""
        try:
            with asyncio.Runner(loop_factory=self._new_loop) as runner, ending_forks():
                runner.run(self._serve())
        finally:
            self._has_ended.set()
            self._is_started.set()

    def wait_until_started(self) -> None:
        """Wait until it serves, or has failed to."""
        self._is_started.wait()

    def stop(self, grace: float, last_steps: float = 1.0) -> bool:
        """Stop in order, after `grace` seconds without waiting. Return whether it has ended.

        That it has not is said when it did not end within as long again and `last_steps` seconds.
        """
        self._request_stop()
        if not self._has_ended.wait(grace):
            self._request_stop()
        return self._has_ended.wait(grace + last_steps)

    def _request_stop(self) -> None:
        with self._lock:
            self._is_stopped = True
            if self._loop is not None and self._server is not None:
                self._loop.call_soon_threadsafe(self._server.request_stop)

    async def _serve(self) -> None:
        server = _TellingServer(self._application, self._config, self._is_started)
        with self._lock:
            self._loop, self._server = asyncio.get_running_loop(), server
            is_stopped = self._is_stopped
        try:
            if not is_stopped:
                await server.serve()
        finally:
            with self._lock:
                self._loop = None


class _TellingServer(Server):
    """A server that tells other threads when it has started."""

    def __init__(self, application: Any, config: Config, is_started: threading.Event) -> None:
        super().__init__(application, config)
        self._is_started = is_started

    async def start(self) -> None:
        await super().start()
        self._is_started.set()
