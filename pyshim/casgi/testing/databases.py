"""Django's database connections of a live server's threads, closed with the server.

Django never closes a connection to SQLite in memory, and leaves those of threads that stay to the
end of the process: a test database could not be removed, and Python warns of what is left open.
"""

import threading
from typing import Any
from weakref import WeakSet

from django.core.signals import request_finished
from django.db import connections
from django.db.backends.signals import connection_created


class ServerConnections:
    """Notices connections that other threads than the test's open, from start() to close()."""

    def __init__(self) -> None:
        """Take the running thread for the test's."""
        self._test = threading.current_thread()
        self._lock = threading.Lock()
        self._opened: WeakSet[Any] = WeakSet()

    def start(self) -> None:
        """Begin to notice."""
        connection_created.connect(self._on_created)
        request_finished.connect(self._on_request_finished)

    def close(self) -> None:
        """Close those that are open."""
        connection_created.disconnect(self._on_created)
        request_finished.disconnect(self._on_request_finished)
        with self._lock:
            for connection in self._opened:
                _close(connection)

    def _on_created(self, connection: Any, **details: Any) -> None:
        if threading.current_thread() is not self._test:
            with self._lock:
                self._opened.add(connection)

    def _on_request_finished(self, **details: Any) -> None:
        """Close what Django does not: the thread of a request ends with it."""
        for connection in connections.all(initialized_only=True):
            is_in_memory = connection.vendor == "sqlite" and connection.is_in_memory_db()
            if is_in_memory and connection in self._opened:
                _close(connection)


def _close(connection: Any) -> None:
    """Close, whichever thread it belongs to and whatever loop runs in this one."""
    opened, connection.connection = connection.connection, None
    if opened is not None:
        opened.close()
