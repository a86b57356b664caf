"""A server under test in a thread of the test process, so that applications are plain functions.

`LiveServer` owns the listening socket, the thread with its loop, and every client it made. Its
`stop` ends them in good order and fails when something was left over or complained about.
"""

import asyncio
import logging
import os
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Self, TypeVar, cast

from casgi.tls import Certificate, TlsSettings
from support.apps import DEADLINE, Application
from support.certificates import Authority
from support.engines import Engine, new_engine, new_loop
from support.http2_socket import Http2Socket
from support.raw import RawClient, Response, request
from support.reports import Reports, wait_until
from support.ws import WebSocketClient

SECURE = os.environ.get("CASGI_TEST_TLS", "0") == "1"
"""Whether all clients of all tests speak TLS."""

OVER_HTTP2 = os.environ.get("CASGI_TEST_HTTP2", "0") == "1"
"""Whether what the clients of all tests say goes over HTTP/2."""

Result = TypeVar("Result")
Client = TypeVar("Client", bound=RawClient)

LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}


class LiveServer:
    """One server, running from its construction until `stop`."""

    def __init__(
        self,
        application: Application,
        *,
        family: socket.AddressFamily = socket.AF_INET,
        **options: Any,
    ) -> None:
        self.reports = Reports()
        self._family = family
        self._trusting: ssl.SSLContext | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="casgi-")
        self._listener = self._bind()
        if SECURE and "tls" not in options:
            authority = Authority(Path(self._folder.name))
            files = authority.issue("test")
            options["tls"] = TlsSettings((Certificate(files.certificate, files.key),))
            self._trusting = ssl.create_default_context(cafile=authority.certificate)
        self._clients: list[RawClient] = []
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._is_ending = False
        self._thread = threading.Thread(
            target=self._run, args=(application, options), name="server", daemon=True
        )
        self._thread.start()
        assert self._ready.wait(DEADLINE), "the server did not start"
        self._raise_failure()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def address(self) -> Any:
        """Where the server listens: (host, port, ...) or a path."""
        return self._listener.getsockname()

    @property
    def path(self) -> str:
        """Path of the unix socket."""
        return os.path.join(self._folder.name, "socket")

    def connect(self, *, receive_buffer: int | None = None) -> RawClient:
        """Return a new connection; `receive_buffer` limits what the client's kernel takes."""
        return self._connect(RawClient, receive_buffer)

    def websocket_connect(self, *, receive_buffer: int | None = None) -> WebSocketClient:
        """Return a new connection for a WebSocket, without a handshake yet."""
        return self._connect(WebSocketClient, receive_buffer)

    def websocket(
        self, target: str = "/", *, headers: Iterable[str | bytes] = ()
    ) -> WebSocketClient:
        """Return a new WebSocket that the server has accepted."""
        client = self.websocket_connect()
        client.handshake(target, headers=headers)
        return client

    def exchange(self, data: bytes, method: str = "GET") -> Response:
        """Send these bytes on a connection of their own and return the response."""
        with self.connect() as client:
            client.offer(data)
            return client.read_response(method)

    def get(self, target: str | bytes = "/", *headers: str | bytes) -> Response:
        """Return the response to a GET."""
        return self.exchange(request(target, headers=headers))

    def limit_send_buffer(self, size: int) -> None:
        """Let the kernel take about so many bytes of each connection that is made from now on."""
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)

    def forget_clients(self) -> None:
        """Close the clients made so far, and let go of them."""
        for client in self._clients:
            client.close()
        self._clients.clear()

    def call(self, function: Callable[[], Result]) -> Result:
        """Return what the function returns when called in the loop of the server."""

        async def run() -> Result:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(DEADLINE)

    def count(self) -> tuple[int, int]:
        """Return how many connections and application tasks the server has."""
        return self.call(self.engine.count)

    def wait_idle(self, timeout: float = DEADLINE) -> None:
        """Wait until the server has neither a connection nor an application task."""
        wait_until(lambda: self.count() == (0, 0), "connections or tasks are left", timeout)

    def shut_down(self, grace: float = DEADLINE) -> None:
        """Begin the graceful end, as a signal would; `stop` still has to be called."""
        if not self._is_ending:
            self._is_ending = True
            self._grace = grace
            self.loop.call_soon_threadsafe(self._stopping.set)

    def join(self) -> None:
        """Wait for the end that `shut_down` began."""
        self._thread.join(DEADLINE + 5)
        assert not self._thread.is_alive(), "the server did not stop"

    def stop(self) -> None:
        """End clients and server; raise for everything that is not in order. Idempotent."""
        self.forget_clients()
        if self._thread.is_alive():
            self.shut_down()
            self.join()
        self._listener.close()
        self._folder.cleanup()
        self._raise_failure()
        errors = self.reports.take_errors()
        assert not errors, f"{len(errors)} unexpected errors:\n" + "\n".join(errors[:3])

    def _connect(self, client: type[Client], receive_buffer: int | None) -> Client:
        connected = socket.socket(self._family, socket.SOCK_STREAM)
        if receive_buffer is not None:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connected.settimeout(DEADLINE)
        connected.connect(self.address)
        if self._trusting is not None:
            connected = self._trusting.wrap_socket(connected, server_hostname="test")
        if OVER_HTTP2:
            connected = cast(socket.socket, Http2Socket(connected))
        self._clients.append(made := client(connected))
        return made

    def _bind(self) -> socket.socket:
        if self._family == socket.AF_UNIX:
            listener = socket.socket(self._family)
            listener.bind(self.path)
        else:
            listener = socket.socket(self._family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            listener.bind((LOOPBACK[self._family], 0))
        listener.listen(1024)
        listener.setblocking(False)
        return listener

    def _run(self, application: Application, options: dict[str, Any]) -> None:
        logging.getLogger().addHandler(self.reports)
        try:
            with asyncio.Runner(loop_factory=new_loop) as runner:
                runner.run(self._main(application, options))
        except BaseException as failure:
            self._failure = failure
        finally:
            self._ready.set()
            logging.getLogger().removeHandler(self.reports)

    async def _main(self, application: Application, options: dict[str, Any]) -> None:
        self.loop = asyncio.get_running_loop()
        self.loop.set_exception_handler(self.reports.on_loop_error)
        self._stopping = asyncio.Event()
        self.engine: Engine = new_engine(application, options)
        await self.engine.start(self._listener)
        self._ready.set()
        await self._stopping.wait()
        await self.engine.stop(self._grace)
        del self.engine

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure


Serve = Callable[..., LiveServer]
"""The `serve` fixture: starts a server for an application with the options given."""
