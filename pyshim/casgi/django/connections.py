"""The database connections that one thread keeps from one context to the next.

Under WSGI a connection lives on in its thread for CONN_MAX_AGE seconds; under ASGI the thread ends
with the request, and the connection with it, whatever its age may be. Only the driver's connection
is carried over, with what Django knows of its age. Django's own object around it is made anew for
each context, since whatever a request has set on it (execute_wrappers, schemas, attributes) must
not meet the next one. A connection that is not as Django's own code leaves an idle one is not
carried over: it ends with its context, as without us.
"""

import logging
import sys
import threading
import time
from typing import Any

from casgi.django.local_storage import Connections

logger = logging.getLogger("casgi.django")

# Whose attributes are known. What a subclass keeps beside the connection is not.
_BACKENDS = frozenset(
    ("django.db.backends." + name, "DatabaseWrapper")
    for name in ("postgresql.base", "mysql.base", "sqlite3.base", "oracle.base")
)
# What their connect() leaves on the object beside what DatabaseWrapper itself has.
_SET_BY_CONNECT = (
    *("isolation_level", "transaction_mode", "init_commands"),
    *("operators", "pattern_ops"),
)
_IDLE_IN_LIBPQ = 0


class KeptConnections:
    """Open connections between two contexts. All calls are made in the one thread that has them."""

    def __init__(self) -> None:
        # Each with the settings that it was opened with, which a project may change in place.
        self._kept: list[tuple[Any, dict[str, Any]]] = []
        # Those of the connections that the context was given.
        self._settings: dict[Any, dict[str, Any]] = {}
        self._of_database: Connections | None = None

    def keep(self) -> None:
        """Take over what the context that ends leaves open and fit for use."""
        settings, self._settings = self._settings, {}
        database = sys.modules.get("django.db")
        if database is None:
            return
        try:
            if self._of_database is None or self._of_database.handler is not database.connections:
                self._of_database = Connections(database.connections)
            if self._of_database.are_none():
                return
            for wrapper in database.connections.all(initialized_only=True):
                if _is_fit(wrapper):
                    opened_with = settings.get(wrapper.connection)
                    self._kept.append((wrapper, opened_with or _copy(wrapper.settings_dict)))
        except Exception:
            logger.exception("Database connections end with their context")
            self._kept.clear()

    def restore(self) -> None:
        """Give the context that begins what was kept, each under a new object of Django's."""
        kept, self._kept = self._kept, []
        for wrapper, settings in kept:
            try:
                driver_connection = wrapper.connection
                if _is_aged(wrapper) or not _give(wrapper, settings):
                    _close(wrapper)
                else:
                    self._settings[driver_connection] = settings
            except Exception:
                logger.exception("A database connection could not be used again")

    def close_aged(self) -> None:
        """Close those whose CONN_MAX_AGE is over."""
        aged = [wrapper for wrapper, _ in self._kept if _is_aged(wrapper)]
        self._kept = [kept for kept in self._kept if kept[0] not in aged]
        for wrapper in aged:
            _close(wrapper)

    def close_all(self) -> None:
        """Close all: the thread ends."""
        kept, self._kept = self._kept, []
        for wrapper, _ in kept:
            _close(wrapper)

    def seconds_until_aged(self) -> float | None:
        """Return how long it is until the first comes of age; None if none ever does."""
        ages = [wrapper.close_at for wrapper, _ in self._kept if wrapper.close_at is not None]
        return max(min(ages) - time.monotonic(), 0.0) if ages else None


def _is_fit(wrapper: Any) -> bool:
    """Whether a connection is as one that its next user could have opened."""
    kind = type(wrapper)
    return (
        (kind.__module__, kind.__name__) in _BACKENDS
        and wrapper.connection is not None
        and wrapper.settings_dict.get("CONN_MAX_AGE") != 0
        and not _is_aged(wrapper)
        and not wrapper.in_atomic_block
        and not wrapper.errors_occurred
        and not wrapper.closed_in_transaction
        and wrapper.autocommit == wrapper.settings_dict["AUTOCOMMIT"]
        # Lent to this thread by another one, or by this to another.
        and wrapper._thread_ident == threading.get_ident()
        and not wrapper.allow_thread_sharing
        and _has_no_transaction(wrapper)
        and not _is_in_memory(wrapper)
    )


def _has_no_transaction(wrapper: Any) -> bool:
    """Whether the driver, too, is outside of any transaction: SQL may have begun one."""
    if wrapper.vendor == "postgresql":
        return bool(wrapper.connection.info.transaction_status == _IDLE_IN_LIBPQ)
    return not getattr(wrapper.connection, "in_transaction", False)


def _is_in_memory(wrapper: Any) -> bool:
    """Whether its data ends with the connection."""
    return wrapper.vendor == "sqlite" and bool(wrapper.is_in_memory_db())


def _copy(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings as they are now, to find changes of what connecting depends on."""
    return {**settings, "OPTIONS": dict(settings["OPTIONS"])}


def _is_aged(wrapper: Any) -> bool:
    return wrapper.close_at is not None and time.monotonic() >= wrapper.close_at


def _give(wrapper: Any, settings: dict[str, Any]) -> bool:
    """Put a connection under a new object for its alias; False if that is for another database."""
    from django.db import connections

    alias = wrapper.alias
    if connections.settings.get(alias) != settings:
        return False
    heir = connections.create_connection(alias)
    if type(heir) is not type(wrapper):
        return False
    for name in _SET_BY_CONNECT:
        if name in vars(wrapper):
            setattr(heir, name, getattr(wrapper, name))
    heir.autocommit = wrapper.autocommit
    heir.close_at = wrapper.close_at
    # The first query of the new user finds out whether the server has left meanwhile.
    heir.health_check_enabled = wrapper.health_check_enabled
    heir.health_check_done = False
    heir.connection, wrapper.connection = wrapper.connection, None
    connections[alias] = heir
    return True


def _close(wrapper: Any) -> None:
    try:
        wrapper.close()
    except Exception:
        logger.exception("A database connection could not be closed")
