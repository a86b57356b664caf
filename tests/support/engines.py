"""How a server is started and stopped within a running asyncio loop.

`casgi` is what is tested. CASGI_TEST_PEER=uvicorn or hypercorn runs the same tests on that server
instead, for comparison: a test that no server can pass, or that every server passes whatever it
does, shows itself there. CASGI_TEST_LOOP=asyncio or uvloop lets casgi ride on that loop.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Any, Protocol

from support.apps import DEADLINE, Application

PEER = os.environ.get("CASGI_TEST_PEER", "casgi")
LOOP = os.environ.get("CASGI_TEST_LOOP", "casgi")

if PEER == "casgi":
    from casgi import _core
    from casgi.tls import TlsAcceptor, TlsSettings

    ClientDisconnected: type[OSError] = _core.ClientDisconnected
else:
    ClientDisconnected = OSError


class Engine(Protocol):
    """A server on the running loop."""

    async def start(self, listener: socket.socket) -> None:
        """Accept connections on `listener`, which stays the caller's."""

    async def stop(self, grace: float) -> None:
        """Finish what runs, within `grace` seconds, and free everything."""

    def abort(self) -> None:
        """Close every connection and cancel every application task, now."""

    def count(self) -> tuple[int, int]:
        """Return how many connections and application tasks there are."""


class CasgiEngine:
    """casgi through its extension module."""

    def __init__(self, application: Application, options: dict[str, Any]) -> None:
        self._application: Any = application
        self._options = options
        self._idle = asyncio.Event()
        settings: TlsSettings | None = options.pop("tls", None)
        allowed: str | None = options.pop("proxy_protocol_from", None)
        self.proxies = None if allowed is None else _core.ProxyAcceptor(allowed)
        self.tls = TlsAcceptor(settings, self.proxies) if settings is not None else None

    async def start(self, listener: socket.socket) -> None:
        """Accept connections on `listener`."""
        loop = asyncio.get_running_loop()
        self.server = _core.Server(self._application, loop, **self._options)
        self.server.on_idle = self._idle.set
        self.server.listen(listener.fileno(), 2048, self.tls.core if self.tls else self.proxies)

    async def stop(self, grace: float) -> None:
        """Shut down in good order; abort and complain when that takes too long."""
        self.server.shutdown()
        try:
            await asyncio.wait_for(self._come_to_rest(), grace)
        except TimeoutError:
            left = "{} connections and {} tasks did not end".format(*self.count())
            self.server.abort()
            await asyncio.wait_for(self._come_to_rest(), DEADLINE)
            raise AssertionError(left) from None
        finally:
            self.server.close()

    def abort(self) -> None:
        """Close every connection and cancel every application task, now."""
        self.server.abort()

    async def _come_to_rest(self) -> None:
        while self.count() != (0, 0):
            self._idle.clear()
            await self._idle.wait()

    def count(self) -> tuple[int, int]:
        """Return how many connections and application tasks there are."""
        return self.server.connections, self.server.tasks


def new_loop() -> asyncio.AbstractEventLoop:
    """Return the loop that a server under test runs on."""
    if LOOP == "uvloop":
        import uvloop

        return uvloop.new_event_loop()
    if LOOP == "asyncio" or PEER != "casgi":
        return asyncio.SelectorEventLoop()
    from casgi.loop import new_event_loop

    return new_event_loop()


def new_engine(application: Application, options: dict[str, Any]) -> Engine:
    """Return an engine, not started, for the server that CASGI_TEST_PEER names."""
    if PEER == "casgi":
        return CasgiEngine(application, options)
    from support import peers

    engines: dict[str, Callable[[Application, dict[str, Any]], Engine]] = {
        "uvicorn": peers.UvicornEngine,
        "hypercorn": peers.HypercornEngine,
    }
    return engines[PEER](application, options)


def counters() -> dict[str, int]:
    """Return the lifetime counters that are not zero."""
    if PEER != "casgi":
        return {}
    return {kind: count for kind, count in _core.counters().items() if count}
