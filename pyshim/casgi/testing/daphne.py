"""What daphne.testing offers to Channels' ChannelsLiveServerTestCase: a server in a process."""

import multiprocessing
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from casgi.config import Config
from casgi.process import run_process
from casgi.server import Server
from casgi.testing.stand_in import stand_in_for_daphne

# A process that is spawned imports this module first, and Channels' right after it.
stand_in_for_daphne()

_CLOSE_TIMEOUT = 1.0


class DaphneProcess(multiprocessing.Process):
    """A process that serves, and reports the port to the one that started it.

    Attributes:
        ready: set when it serves.
        port: a shared value, the port from then on; before, the one that is asked for.
        errors: gets (exception, traceback's text) when it could not serve.

    """

    def __init__(
        self,
        host: str,
        get_application: Callable[[], Any],
        kwargs: dict[str, Any] | None = None,
        setup: Callable[[], object] | None = None,
        teardown: Callable[[], object] | None = None,
        port: int | None = None,
    ) -> None:
        """Take what daphne's takes.

        Args:
            host: name or address to listen on.
            get_application: called in the process.
            kwargs: arguments of daphne's Server, under daphne's names.
            setup: called in the process before it serves.
            teardown: called in the process after that.
            port: 0 or None for a free one.

        """
        super().__init__()
        self.host = host
        self.get_application = get_application
        self.kwargs = kwargs or {}
        self.setup = setup
        self.teardown = teardown
        self.port = multiprocessing.Value("i", port or 0)
        self.ready = multiprocessing.Event()
        self.errors: Any = multiprocessing.Queue()

    def run(self) -> None:
        """Serve until SIGTERM, which terminate() sends."""
        _renew_thread_of_asgiref()
        try:
            application = self.get_application()
            config = make_config(self.host, self.port.value, self.kwargs)
            server = _TellingServer(application, config, self._on_started)
            if self.setup is not None:
                self.setup()
            run_process(server, teardown=self.teardown)
        except BaseException as error:
            self.errors.put((error, traceback.format_exc()))

    def _on_started(self, server: Server) -> None:
        self.port.value = server.addresses[0][1]
        self.ready.set()


def _renew_thread_of_asgiref() -> None:
    """Give sync_to_async() a thread: one that the parent's tests have used is not in a fork.

    The executor does not know, and whoever gives it work waits for ever.
    """
    asgiref = sys.modules.get("asgiref.sync")
    if asgiref is not None:
        asgiref.SyncToAsync.single_thread_executor = ThreadPoolExecutor(max_workers=1)


class _TellingServer(Server):
    """A server that calls a function when it has started."""

    def __init__(
        self, application: Any, config: Config, on_started: Callable[[Server], object]
    ) -> None:
        super().__init__(application, config)
        self._on_started = on_started

    async def start(self) -> None:
        await super().start()
        self._on_started(self)


# daphne's names for arguments of its Server, where casgi's are others.
_RENAMED = {
    "websocket_handshake_timeout": "websocket_connect_timeout",
    "proxy_forwarded_address_header": "proxy_headers_host",
    "proxy_forwarded_port_header": "proxy_headers_port",
}
_WITHOUT_EFFECT = {
    "action_logger",
    "proxy_forwarded_proto_header",
    "signal_handlers",
    "verbosity",
    "ws_protocols",
}


def make_config(host: str, port: int, arguments: dict[str, Any]) -> Config:
    """Return the Config for arguments of daphne's Server; raise TypeError for an unknown one."""
    options: dict[str, Any] = {
        "bind": host,
        "port": port,
        "application_close_timeout": _CLOSE_TIMEOUT,
    }
    for name, value in arguments.items():
        if name not in _WITHOUT_EFFECT:
            options[_RENAMED.get(name, name)] = value
    options["proxy_headers"] = options.get("proxy_headers_host") is not None
    return Config(**options)
