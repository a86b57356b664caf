"""A server in a thread of the test process: what a test patches, the application sees."""

import asyncio
import sys
import threading
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

from casgi.config import Config
from casgi.thread_server import ThreadServer

Result = TypeVar("Result")

# A thread that a slow machine holds up is not one whose code never awaits.
_LAST_STEPS = 20.0


class LiveServer:
    """Serves an application from `with` on, or from start() to stop().

    Database connections to SQLite in memory and monkeypatches are shared with the test, because
    everything runs in one process. Logging and its handlers too.
    """

    def __init__(self, application: Any, **options: Any) -> None:
        """Take an ASGI application or "module:attribute", and the fields of `casgi.Config`.

        The port is a free one unless it is given. What does not end with its client is given up
        after a second (application_close_timeout).
        """
        options = {"bind": "localhost", "port": 0, "application_close_timeout": 1.0, **options}
        self._config = Config(**options)
        self._application = application
        self._server: ThreadServer | None = None
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._connections: Any = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    @property
    def host(self) -> str:
        """The host that clients connect to."""
        return self._config.bind or "localhost"

    @property
    def port(self) -> int:
        """The TCP port."""
        return int(self._running().addresses[0][1])

    @property
    def url(self) -> str:
        """Where it serves HTTP, without a slash at the end."""
        return f"http://{self._host_and_port()}"

    @property
    def ws_url(self) -> str:
        """Where it serves WebSockets, without a slash at the end."""
        return f"ws://{self._host_and_port()}"

    def __str__(self) -> str:
        return self.url

    def __add__(self, path: str) -> str:
        return f"{self}{path}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'not running' if self._server is None else self.url}>"

    def start(self) -> None:
        """Return when it serves. Raise BindError, LifespanError, or what the import raised."""
        if "django.db" in sys.modules:
            from casgi.testing.databases import ServerConnections

            self._connections = ServerConnections()
            self._connections.start()
        server = ThreadServer(self._application, self._config)
        self._server = server
        self._thread = threading.Thread(
            target=self._run, args=(server,), name="casgi live server", daemon=True
        )
        self._thread.start()
        server.wait_until_started()
        if self._failure is not None:
            self._end()

    def stop(self) -> None:
        """Return when the server, the application's tasks and its lifespan have ended.

        WebSockets that are open are closed with 1012. Can be called again.
        """
        if self._server is None:
            return
        timeout = self._config.application_close_timeout
        grace = threading.TIMEOUT_MAX / 4 if timeout is None else timeout
        if not self._server.stop(grace, _LAST_STEPS):
            raise RuntimeError("the server does not stop: code in its thread never awaits")
        self._end()

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Return what a coroutine returns that is run in the server's event loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._running().loop).result()

    def _run(self, server: ThreadServer) -> None:
        try:
            server.run()
        except BaseException as failure:
            self._failure = failure

    def _running(self) -> ThreadServer:
        if self._server is None:
            raise RuntimeError("the server does not run")
        return self._server

    def _end(self) -> None:
        """Forget the thread, which ends, and raise what it has ended with."""
        if self._thread is not None:
            self._thread.join()
        self._thread = self._server = None
        if self._connections is not None:
            self._connections.close()
            self._connections = None
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _host_and_port(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"
