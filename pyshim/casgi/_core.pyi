"""The Python face of the C extension."""

import asyncio
from collections.abc import Callable
from selectors import BaseSelector, SelectorKey
from typing import Any, final

from casgi.asgi import Application

class ClientDisconnected(OSError):
    """Raised by send() after the client has gone or the WebSocket is closed."""

@final
class Selector(BaseSelector):
    """A libuv loop with the interface of `selectors.BaseSelector`.

    `asyncio.SelectorEventLoop(Selector())` is the loop of a casgi process.
    """

    def register(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey: ...
    def unregister(self, fileobj: Any) -> SelectorKey: ...
    def modify(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey: ...
    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]: ...
    def close(self) -> None: ...
    def get_key(self, fileobj: Any) -> SelectorKey: ...
    def get_map(self) -> Any: ...

@final
class Server:
    """Serves one application on one event loop.

    On a loop made with `Selector` it shares its libuv loop; on any other it rides on it through
    add_reader and call_later.
    """

    on_idle: Callable[[], object] | None
    """Called when connections and tasks have both come to 0."""

    def __init__(
        self,
        application: Application,
        loop: asyncio.AbstractEventLoop,
        *,
        http_timeout: float | None = None,
        header_timeout: float | None = 30.0,
        keep_alive_timeout: float | None = 75.0,
        websocket_timeout: float | None = 86400.0,
        websocket_connect_timeout: float | None = 5.0,
        ping_interval: float | None = 20.0,
        ping_timeout: float | None = 30.0,
        application_close_timeout: float | None = 10.0,
        websocket_max_message_size: int = 1048576,
        websocket_max_frame_size: int = 1048576,
        request_buffer_size: int = 65536,
        max_head_size: int = 65536,
        max_headers: int = 100,
        write_high_water: int = 65536,
        write_backlog_limit: int = 1048576,
        root_path: str = "",
        server_header: str | None = "casgi",
        date_header: bool = True,
        access_log_fd: int = -1,
        state: dict[str, Any] | None = None,
    ) -> None: ...
    @property
    def connections(self) -> int:
        """Open connections."""

    @property
    def tasks(self) -> int:
        """Application tasks that have not finished."""

    def listen(self, fd: int) -> None:
        """Listen on a bound stream socket, of which a copy is kept; the caller keeps its own."""

    def stop_listening(self) -> None:
        """Accept no more connections. Can be called again."""

    def shutdown(self) -> None:
        """Let everything end in order.

        Idle connections close, running requests finish with "Connection: close", WebSockets get
        close 1012 and their applications websocket.disconnect.
        """

    def abort(self) -> None:
        """Close every connection now and cancel every application task."""

    def close(self) -> None:
        """Free everything, after abort() if need be. Can be called again."""

def counters() -> dict[str, int]:
    """Live objects of the core by kind; all 0 once everything is closed."""
