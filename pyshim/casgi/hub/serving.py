"""A server's part in the hub: all that its process says and hears goes through its event loop."""

import asyncio
import logging
from collections.abc import Callable

from casgi import _core
from casgi.hub.connection import HubConnection, connection_to, connections
from casgi.hub.project import hub_path, patience, project_name

logger = logging.getLogger("casgi.hub")


class _Deaf:
    """The handler of a client that is for `websocket.group` only, of which Python hears nothing."""

    def on_deliver(self, topic: bytes, payload: bytes) -> None: ...
    def on_message(self, channel: bytes, payload: bytes) -> None: ...
    def on_acked(self) -> None: ...
    def on_failed(self, number: int, failure: int) -> None: ...
    def on_up(self, again: int) -> None: ...
    def on_gap(self) -> None: ...
    def on_down(self) -> None: ...


def join_hub(server: _core.Server) -> Callable[[], None]:
    """Have a server on the running loop use the hub of the environment, and those of its layers.

    Returns what is to be called before the server is closed.
    """
    loop, path = asyncio.get_running_loop(), hub_path()
    if path is not None:
        connection_to(path)
    attached: list[HubConnection] = [one for one in connections() if one.attach(server, loop)]
    clients: list[_core.HubClient] = []
    if path is not None and connection_to(path) not in attached:
        # Another server of this process has the connection.
        clients.append(_core.HubClient(path, project_name(), _Deaf(), server, **patience()))
        clients[0].connect()

    def leave() -> None:
        for connection in attached:
            connection.close()
        for client in clients:
            client.close()

    return leave
