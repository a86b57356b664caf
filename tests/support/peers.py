"""Other ASGI servers behind the same interface, so that a test can be tried on them."""

import asyncio
import socket
from typing import Any

from support.apps import Application

UVICORN_OPTIONS = {
    "keep_alive_timeout": "timeout_keep_alive",
    "ping_interval": "ws_ping_interval",
    "ping_timeout": "ws_ping_timeout",
    "websocket_max_message_size": "ws_max_size",
    "root_path": "root_path",
    "date_header": "date_header",
}
HYPERCORN_OPTIONS = {
    "keep_alive_timeout": "keep_alive_timeout",
    "ping_interval": "websocket_ping_interval",
    "websocket_max_message_size": "websocket_max_message_size",
    "root_path": "root_path",
    "date_header": "include_date_header",
}


def translate(options: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Return the options that the peer has, under its own names."""
    return {names[name]: value for name, value in options.items() if name in names}


class UvicornEngine:
    """uvicorn with httptools and websockets."""

    def __init__(self, application: Application, options: dict[str, Any]) -> None:
        import uvicorn

        self._server = uvicorn.Server(
            uvicorn.Config(
                application,
                log_config=None,
                lifespan="off",
                server_header=options.get("server_header", "") is not None,
                **translate(options, UVICORN_OPTIONS),
            )
        )

    async def start(self, listener: socket.socket) -> None:
        """Accept connections on `listener`."""
        self._serving = asyncio.create_task(self._server.serve([listener.dup()]))
        while not self._server.started:
            await asyncio.sleep(0.001)

    async def stop(self, grace: float) -> None:
        """Shut down in good order."""
        self._server.should_exit = True
        await asyncio.wait_for(self._serving, grace)

    def abort(self) -> None:
        """Do nothing: the peer has no such thing."""

    def count(self) -> tuple[int, int]:
        """Return how many connections and application tasks there are."""
        state = self._server.server_state
        return len(state.connections), len(state.tasks)


class HypercornEngine:
    """hypercorn on asyncio; it does not tell how many connections it has."""

    def __init__(self, application: Application, options: dict[str, Any]) -> None:
        from hypercorn.config import Config

        self._application: Any = application
        self._config = Config()
        for name, value in translate(options, HYPERCORN_OPTIONS).items():
            setattr(self._config, name, value)

    async def start(self, listener: socket.socket) -> None:
        """Accept connections on `listener`."""
        from hypercorn.asyncio import serve

        self._stopping = asyncio.Event()
        self._config.bind = [f"fd://{listener.dup().detach()}"]
        self._serving = asyncio.create_task(
            serve(
                self._application,
                self._config,
                shutdown_trigger=self._stopping.wait,
                mode="asgi",
            )
        )
        await asyncio.sleep(0.05)

    async def stop(self, grace: float) -> None:
        """Shut down in good order."""
        self._stopping.set()
        await asyncio.wait_for(self._serving, grace + 5)

    def abort(self) -> None:
        """Do nothing: the peer has no such thing."""

    def count(self) -> tuple[int, int]:
        """Return zeros."""
        return 0, 0
