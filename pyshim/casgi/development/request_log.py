"""Lines for the console about each request and each WebSocket, in the words of daphne's runserver.

An ASGI middleware: in development a line that says what happened is worth the detour.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from casgi.asgi import Application, Event, Receive, Scope, Send
from casgi.django.file_responses import takes_files

logger = logging.getLogger("django.channels.server")
"""Under the name by which projects configure it; Django's own settings show it on the console."""

_FAILED = 500
_BODIES = {"http.response.body", "http.response.zerocopysend", "http.response.pathsend"}


class RequestLog:
    """Serves as an application does, and logs what it sends."""

    def __init__(self, application: Application, style: Any) -> None:
        """Take the application, and the colors of a Django command."""
        self._application = application
        self._style = style

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope."""
        if scope["type"] == "http":
            await self._serve_http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._serve_websocket(scope, receive, send)
        else:
            await self._application(scope, receive, send)

    async def _serve_http(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = time.monotonic()

        def log() -> None:
            self._log_response(scope, response.status or _FAILED, time.monotonic() - begun)

        response = _Response(send, log)
        try:
            await self._application(scope, receive, response)
        except Exception:
            if not response.is_complete:
                log()
            raise

    def _log_response(self, scope: Scope, status: int, seconds: float) -> None:
        level, color = self._look(status)
        line = f"HTTP {scope['method']} {_target(scope)} {status} [{seconds:.2f}, {_client(scope)}]"
        logger.log(level, "%s", color(line))

    def _look(self, status: int) -> tuple[int, Any]:
        """Return the level and the color of a line about a response."""
        style = self._style
        if status == 304:
            return logging.INFO, style.HTTP_NOT_MODIFIED
        if status == 404:
            return logging.WARNING, style.HTTP_NOT_FOUND
        by_class = {
            1: (logging.INFO, style.HTTP_INFO),
            2: (logging.INFO, style.HTTP_SUCCESS),
            3: (logging.INFO, style.HTTP_REDIRECT),
            4: (logging.WARNING, style.HTTP_BAD_REQUEST),
        }
        return by_class.get(status // 100, (logging.ERROR, style.HTTP_SERVER_ERROR))

    async def _serve_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        about = f"{scope['path']!a}"[1:-1] + f" [{_client(scope)}]"
        is_accepted = False

        async def observe(event: Event) -> None:
            nonlocal is_accepted
            await send(event)
            if event["type"] == "websocket.accept":
                is_accepted = True
                logger.info("WebSocket CONNECT %s", about)

        logger.info("WebSocket HANDSHAKING %s", about)
        try:
            await self._application(scope, receive, observe)
        finally:
            logger.info("WebSocket %s %s", "DISCONNECT" if is_accepted else "REJECT", about)


class _Response:
    """Sends what an application sends, which may be files, and notes what becomes of it."""

    def __init__(self, send: Send, on_end: Callable[[], None]) -> None:
        self.takes_files = takes_files(send)
        self.status: int | None = None
        self.is_complete = False
        self._send = send
        self._on_end = on_end

    async def __call__(self, event: Event) -> None:
        await self._send(event)
        if event["type"] == "http.response.start":
            self.status = event["status"]
        elif event["type"] in _BODIES and not event.get("more_body") and not self.is_complete:
            self.is_complete = True
            self._on_end()


def _target(scope: Scope) -> str:
    """Return path and query as they came, safe for a line."""
    target: bytes = scope.get("raw_path") or scope["path"].encode()
    if scope["query_string"]:
        target += b"?" + scope["query_string"]
    return target.decode("ascii", "backslashreplace")


def _client(scope: Scope) -> str:
    client = scope.get("client")
    return f"{client[0]}:{client[1]}" if client else "unix"
