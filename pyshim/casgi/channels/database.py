"""When ``close_old_connections()`` of Django has something to do, and the call of it.

Channels makes that call in another thread before each message that a consumer handles. It changes
only connections that are open in the thread for thread-sensitive code, and of these only some:
`is_due` sees from their attributes whether there is one.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
import weakref
from typing import Any

from asgiref.sync import SyncToAsync, sync_to_async

GRACE = 0.5
"""Seconds that a connection may outlive its age while no message comes: one of no age at all is
still there for the next query of the same handler, and all are closed within a second."""


class DatabaseConnections:
    """The open database connections of the thread for thread-sensitive code.

    A connection stays known, by a weak reference, from the signal that it was opened until a call
    that finds it closed. Django's signal comes in any thread; everything else is of the loop's.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Replaced as a whole, so that it can be walked without the lock.
        self._opened: tuple[weakref.ref[Any], ...] = ()
        # The thread that the calls run in. Until the first has shown it, any can be the one.
        self._thread: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._context = contextvars.Context()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._closing: asyncio.Task[None] | None = None
        self._own_send: Any = None  # of this application, on Django's signal

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Notice connections from now on, and close old ones while no message comes."""
        from django.db.backends.signals import connection_created

        self._loop = loop
        # No receiver: Sentry, for one, shows each as a part of what the user asked for.
        self._own_send = vars(connection_created).get("send")
        connection_created.send = self._send

    def stop(self) -> None:
        """Notice nothing more, and leave nothing with the loop."""
        from django.db.backends.signals import connection_created

        if vars(connection_created).get("send") == self._send:
            del connection_created.send
            if self._own_send is not None:
                connection_created.send = self._own_send
        self._loop = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._closing is not None:
            self._closing.cancel()

    def is_due(self) -> bool:
        """Whether `close_old`, called now, would change any connection."""
        if SyncToAsync.thread_sensitive_context.get(None) is not None:
            # Somebody gave this consumer a thread of its own, whose connections are not known.
            return True
        if not self._opened:
            return False
        return any(_is_due(connection, time.monotonic()) for connection in self._open())

    async def close_old(self) -> None:
        """Do what Channels does before each message."""
        await sync_to_async(self._close_old)()

    def _open(self) -> list[Any]:
        referents = [reference() for reference in self._opened]
        return [one for one in referents if one is not None and one.connection is not None]

    def _send(self, sender: Any, **named: Any) -> Any:
        """Send Django's signal, and notice the connection that it tells of."""
        from django.db.backends.signals import connection_created

        send = self._own_send or type(connection_created).send.__get__(connection_created)
        try:
            return send(sender, **named)
        finally:
            if self._loop is not None and "connection" in named:
                self._on_opened(named["connection"])

    def _on_opened(self, connection: Any) -> None:
        """Register a connection, in the thread that opened it; raise nothing into its query."""
        if self._thread not in (None, threading.get_ident()):
            return
        with self._lock:
            others = [one for one in self._open() if one is not connection]
            self._opened = tuple(map(weakref.ref, [*others, connection]))
        loop = self._loop
        if loop is not None and connection.close_at is not None:
            try:
                loop.call_soon_threadsafe(self._set_timer, context=self._context)
            except RuntimeError:
                # The loop was closed and nobody called `stop`.
                self._loop = None

    def _close_old(self, spare_transactions: bool = False) -> None:
        """Make the call, in the thread for it, and learn which connections it can reach."""
        from channels import db
        from django.db import connections

        begun = time.monotonic()
        reached = connections.all(initialized_only=True)
        if spare_transactions and any(map(_is_in_transaction, reached)):
            return
        db.close_old_connections()
        if SyncToAsync.thread_sensitive_context.get(None) is None:
            with self._lock:
                self._thread = threading.get_ident()
                self._opened = tuple(
                    weakref.ref(one)
                    for one in reached
                    if one.connection is not None and not _is_left_open(one, begun)
                )

    def _set_timer(self) -> None:
        """Have the next connection closed that comes of age, if there is one."""
        ages = [one.close_at for one in self._open() if one.close_at is not None]
        if self._loop is None or self._closing is not None or not ages:
            return
        now = time.monotonic()
        at = max(min(ages), now) + GRACE
        if self._timer is not None:
            if self._timer_at <= at:
                return
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._loop.call_later(at - now, self._on_timer, context=self._context)

    def _on_timer(self) -> None:
        self._timer = None
        if self._loop is not None and any(_is_aged(one, time.monotonic()) for one in self._open()):
            self._closing = self._loop.create_task(self._close_aged())
        else:
            self._set_timer()

    async def _close_aged(self) -> None:
        try:
            # A transaction that spans several calls in the thread ends with the next message in
            # any case; that no message comes is no reason to end it.
            await sync_to_async(self._close_old)(spare_transactions=True)
        finally:
            self._closing = None
            self._set_timer()


def _is_due(connection: Any, now: float) -> bool:
    """Whether `close_if_unusable_or_obsolete` would change an open connection."""
    return (
        _is_in_transaction(connection)
        or connection.errors_occurred
        or (connection.health_check_enabled and connection.health_check_done)
        or _is_aged(connection, now)
        or _has_own_rules(connection)
    )


def _is_in_transaction(connection: Any) -> bool:
    return bool(connection.autocommit != connection.settings_dict["AUTOCOMMIT"])


def _is_aged(connection: Any, now: float) -> bool:
    return connection.close_at is not None and now >= connection.close_at


def _has_own_rules(connection: Any) -> bool:
    """Whether it is not Django itself that decides what is obsolete, but a backend of others."""
    from django.db.backends.base.base import BaseDatabaseWrapper

    own = vars(BaseDatabaseWrapper)
    # The functions themselves: a wrapper has their names.
    return not (
        _function_of(connection.close_if_unusable_or_obsolete)
        is own["close_if_unusable_or_obsolete"]
        and _function_of(connection.get_autocommit) is own["get_autocommit"]
    )


def _function_of(method: Any) -> Any:
    return getattr(method, "__func__", None)


def _is_left_open(connection: Any, begun: float) -> bool:
    """Whether a call that began then should have closed the connection, and did not.

    Nothing closes a database in memory, for example, or the connection of a test.
    """
    if _has_own_rules(connection):
        return False
    return _is_in_transaction(connection) or _is_aged(connection, begun)
