"""Whether one of asgiref's Local objects has nothing here, without asking it.

A Local that has not what it is asked for writes a text about that, mostly after errors of its own:
some ten thousand instructions. Where it keeps what it has is known for the releases that have one
place for it; of others nobody knows.
"""

import contextvars
import threading
from typing import Any


def variable_of(local: Any) -> contextvars.ContextVar[Any] | None:
    """Return the context variable that has all of a Local, None if that is not known."""
    storage = getattr(local, "__dict__", {}).get("_storage")
    variable = getattr(storage, "__dict__", {}).get("_data")
    return variable if isinstance(variable, contextvars.ContextVar) else None


def thread_local_of(local: Any) -> threading.local | None:
    """Return what has all of a Local that is thread-critical, in threads without an event loop."""
    storage = getattr(local, "__dict__", {}).get("_storage")
    return storage if type(storage) is threading.local else None


class Connections:
    """Those of a handler of Django's, of databases or caches, as far as they are used here."""

    def __init__(self, handler: Any) -> None:
        self.handler = handler
        self._names = vars(handler)
        self._local = self._names.get("_connections")
        self._variable = variable_of(self._local)
        self._thread_local = thread_local_of(self._local)

    def are_none(self) -> bool:
        """Whether none was used in this context or thread."""
        if self._names.get("_connections") is self._local:
            if self._variable is not None:
                return self._variable.get(None) is None
            if self._thread_local is not None:
                return not self._thread_local.__dict__
        return not self.handler.all(initialized_only=True)
