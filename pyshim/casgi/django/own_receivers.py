"""Django's own receivers of a request's two signals, for requests of which nobody else hears.

They look after the databases and caches that a request's thread has used. A thread begins its work
for a request without any, or with connections that were carried over, of which nobody has made a
query and none is of age: there is nothing to do for those of request_started. And a request that
has never had a thread has left nothing in one for those of request_finished.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django import db
from django.core import cache, signals
from django.core.handlers import asgi, base
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections, reset_queries
from django.db.backends.base.base import BaseDatabaseWrapper
from django.dispatch import Signal
from django.http import HttpRequest, response
from django.http.response import HttpResponseBase
from django.utils.connection import BaseConnectionHandler

from casgi.django.local_storage import Connections
from casgi.django.releases import unlike_own_receivers
from casgi.origin import Watch, WatchedCode

STARTED_RECEIVERS = (reset_queries, close_old_connections)
FINISHED_RECEIVERS = (close_old_connections, cache.close_caches, base.reset_urlconf)

_Receivers = Sequence[Callable[..., object]]


class OwnReceivers:
    """Those of one signal, of which is asked once for the same receivers."""

    def __init__(self, signal: Any, own: _Receivers) -> None:
        self._signal = signal
        self._own = own
        self._asked: tuple[Any, list[Any]] = None, []
        self._live: _Receivers = ()

    def of(self, sender: Any) -> _Receivers | None:
        """Return the receivers, in order; None if others hear, or code of these has changed."""
        if _code.change() is not None:
            return None
        asked_sender, asked = self._asked
        receivers = self._signal.receivers
        if asked_sender is not sender or asked != receivers:
            copy = list(receivers)
            live = self.read(sender)
            if live is None:
                return None
            self._asked, self._live = (sender, copy), live
        return self._live

    def read(self, sender: Any) -> _Receivers | None:
        """Return the same, whatever their code is."""
        live = live_receivers(self._signal, sender)
        is_own = live is not None and all(receiver in self._own for receiver in live)
        return live if is_own else None


def live_receivers(signal: Any, sender: Any) -> _Receivers | None:
    """Return who hears of a sender by a signal; None if async functions do, too."""
    live: Any = signal._live_receivers(sender)
    receivers, others = live if isinstance(live, tuple) else (live, ())
    return None if others else receivers


started = OwnReceivers(signals.request_started, STARTED_RECEIVERS)
finished = OwnReceivers(signals.request_finished, FINISHED_RECEIVERS)


_databases, _caches = Connections(db.connections), Connections(cache.caches)


def close_response(answer: Any, sender: Any, receivers: _Receivers) -> None:
    """Do what HttpResponseBase.close does, for these receivers of request_finished.

    Those of Django's that look after what is not there are not called.
    """
    for closer in answer._resource_closers:
        try:  # noqa: SIM105 (as Django, and cheaper)
            closer()
        except Exception:
            pass
    answer._resource_closers.clear()
    answer.closed = True
    for receiver in receivers:
        connections = _looked_after.get(receiver)
        if connections is None or not connections.are_none():
            receiver(signal=signals.request_finished, sender=sender)


_looked_after = {close_old_connections: _databases, cache.close_caches: _caches}


def has_caches() -> bool:
    """Whether the request has used caches, which may have to ask somebody when they are closed."""
    return not _caches.are_none()


def look() -> None:
    """Look at Django's code: as it is when a server starts."""
    _code.change()


def _look() -> Watch | str:
    handlers = (db.connections, cache.caches)
    return unlike_own_receivers() or Watch(
        [
            *((db, name) for name in ("reset_queries", "close_old_connections", "connections")),
            *((cache, name) for name in ("close_caches", "caches")),
            *((base, name) for name in ("reset_urlconf", "set_urlconf")),
            *((module, "signals") for module in (asgi, response)),
            *((HttpResponseBase, "close"), (ASGIRequest, "close"), (HttpRequest, "close")),
            *((owner, name) for owner in _SENDERS for name in ("send", "_live_receivers")),
            *((owner, name) for owner in handlers for name in ("all", "close_all")),
            *((type(owner), name) for owner in handlers for name in ("all", "close_all")),
            *((BaseConnectionHandler, name) for name in ("all", "close_all")),
            (BaseDatabaseWrapper, "close_if_unusable_or_obsolete"),
        ]
    )


_SENDERS = (signals.request_started, signals.request_finished, Signal)
_code = WatchedCode(_look)
