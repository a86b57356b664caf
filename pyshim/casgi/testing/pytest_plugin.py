"""casgi's plugin for pytest. Its fixtures load casgi when a test uses one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from casgi.testing.stand_in import stand_in_for_daphne

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

    from casgi.testing.live_server import LiveServer
    from casgi.testing.relay import Relay


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let Channels' test case find what it imports; come after pytest-django."""
    stand_in_for_daphne()
    if config.pluginmanager.has_plugin("django"):
        from casgi.testing import pytest_django_fixtures

        config.pluginmanager.register(pytest_django_fixtures, "casgi-django")


@pytest.fixture
def casgi_server() -> Iterator[Callable[..., LiveServer]]:
    """Start servers: `casgi_server(application, **options)` returns a running LiveServer.

    Without an application it is the Django project's ASGI_APPLICATION, with its static files. The
    options are the fields of casgi.Config.
    """
    from casgi.testing.live_server import LiveServer

    with ExitStack() as servers:

        def start(application: Any = None, **options: Any) -> LiveServer:
            if application is not None:
                return servers.enter_context(LiveServer(application, **options))
            from casgi.testing.project import ProjectServer

            return servers.enter_context(ProjectServer(**options))

        yield start


@pytest.fixture
def ws_connect() -> Iterator[Callable[..., ClientConnection]]:
    """Open WebSockets: `ws_connect(server + "/ws/room/")` returns a connection of `websockets`.

    The URL begins with ws:// or http://. As a browser's, the handshake has an Origin: the server's
    own, unless `origin` is given. The other options are those of websockets.sync.client.connect.
    """
    try:
        from websockets.sync.client import connect
    except ImportError:
        pytest.fail("The fixture ws_connect needs websockets: pip install websockets")
    with ExitStack() as connections:

        def open_one(url: str, **options: Any) -> ClientConnection:
            scheme, _, rest = str(url).partition("://")
            secure = "s" if scheme in ("https", "wss") else ""
            options.setdefault("origin", f"http{secure}://{rest.partition('/')[0]}")
            # A proxy of the machine has no part in a test.
            options.setdefault("proxy", None)
            connection: ClientConnection = connect(f"ws{secure}://{rest}", **options)
            return connections.enter_context(connection)

        yield open_one


@pytest.fixture
def casgi_relay() -> Iterator[Callable[..., Relay]]:
    """Make bad networks: `casgi_relay(server, latency=0.1, bandwidth=10_000)` returns a Relay.

    A client of the relay's `url` or `ws_url` talks to the server through it.
    """
    from casgi.testing.relay import Relay

    with ExitStack() as relays:

        def start(server: Any, **options: Any) -> Relay:
            host, _, port = str(server).partition("://")[2].rpartition(":")
            return relays.enter_context(Relay(host.strip("[]"), int(port), **options))

        yield start
