"""The objects of Channels, asgiref and Django that casgi replaces, inlines or relies on.

They are in parts that stand or fall alone: when an object of a part is not what its file defines,
because the application, or a tool that traces it, has wrapped or changed it, then that part is left
to Channels, and the log's first line says so. Whatever is not listed here is called as Channels
calls it, and may be anything.
"""

import logging
import weakref
from collections.abc import Callable
from itertools import chain
from typing import TYPE_CHECKING, Any

from casgi import _core
from casgi.channels.part import LOOKUP, Part
from casgi.channels.wrappers import Wrappers

if TYPE_CHECKING:
    from casgi.channels.sharing import SharingPlan

logger = logging.getLogger("casgi.channels")

WAITING = Part(
    {
        "channels.consumer": ("await_many_dispatch",),
        "channels.utils": ("await_many_dispatch",),
    }
)
"""What is replaced. Changed: nothing is accelerated."""

DISPATCHING = Part(
    {
        "channels.consumer": (
            "AsyncConsumer.dispatch",
            "get_handler_name",
            "aclose_old_connections",
        ),
        "channels.db": ("aclose_old_connections", "close_old_connections", "sync_to_async"),
        "django.db": ("close_old_connections",),
    }
)
"""What is done in the place of `AsyncConsumer.dispatch()`; looked at for each message. Changed:
that is called, and no frame is shared with async consumers.
"""

CLOSING = Part(
    {
        "django.db.utils": ("ConnectionHandler",),
        "django.utils.connection": ("BaseConnectionHandler.all",),
        "django.db.backends.base.base": (
            "BaseDatabaseWrapper.close_if_unusable_or_obsolete",
            "BaseDatabaseWrapper.get_autocommit",
        ),
        "asgiref.sync": ("SyncToAsync", "sync_to_async"),
    },
    objects={("django.db", "connections"): ("django.db.utils", "ConnectionHandler")},
)
"""What `close_old_connections()` does in a thread; looked at for each connection and each shared
frame. Changed: as above.
"""

SYNC_DISPATCHING = Part(
    {
        "channels.consumer": ("SyncConsumer.dispatch", "get_handler_name", "async_to_sync"),
        "channels.db": ("DatabaseSyncToAsync", "close_old_connections"),
        "django.db": ("close_old_connections",),
        "asgiref.sync": ("SyncToAsync", "AsyncToSync", "async_to_sync"),
    }
)
"""What a shared frame to a sync consumer passes by. Changed: none is shared with them."""

SESSIONS = Part(
    {
        "channels.sessions": (
            "InstanceSessionWrapper.send",
            "InstanceSessionWrapper.save_message_types",
        ),
        "django.contrib.sessions.backends.base": ("SessionBase.is_empty",),
    },
    {
        ("channels.sessions", "InstanceSessionWrapper"): (
            *LOOKUP,
            *["real_send", "activated", "scope"],
        )
    },
)
"""What wraps `send` behind the session middleware. Changed: it is called for each message."""


class Reliance:
    """A part while casgi serves: relied on as long as it is what its files define.

    Attributes:
        change: what was changed before, as for a log line; None: nothing.

    """

    def __init__(self, part: Part, otherwise: str) -> None:
        """Look at the part; `otherwise` says what is done when it cannot be relied on."""
        self.change = part.change()
        self._watch = None if self.change else part.watch()
        self._otherwise = otherwise
        self._logged: set[str] = set()

    def holds(self) -> bool:
        """Whether it can be relied on now."""
        if self._watch is None or self._watch.holds():
            return self._watch is not None
        change = self._watch.change()
        if change is not None and change not in self._logged:
            self._logged.add(change)
            logger.warning("%s while casgi served: %s", change, self._otherwise)
        return change is None

    def facts(self) -> tuple[Any, ...] | None:
        """Return what `holds` looks at, None when it is not relied on."""
        return None if self._watch is None else self._watch.facts

    def sentence(self) -> str | None:
        """Return what the first line of the log says of it, None when it is relied on."""
        return None if self.change is None else f"{self._otherwise}: {self.change}"


class Seam:
    """All parts that dispatching relies on, while casgi serves."""

    def __init__(self) -> None:
        every_message = "each message is given to Channels' dispatch"
        self.dispatch = Reliance(DISPATCHING, every_message)
        self.closing = Reliance(CLOSING, every_message)
        by_loop = "sync consumers share no frames and send by the event loop"
        self.sync_dispatch = Reliance(SYNC_DISPATCHING, by_loop)
        self.sessions = Reliance(SESSIONS, "behind sessions no frames are shared")
        self.wrappers = Wrappers()
        self._checks: dict[tuple[Reliance, ...], Callable[[], bool]] = {}

    def check_of(self, *parts: Reliance) -> Callable[[], bool]:
        """Return whether all these parts hold, in one look in C: what is asked for each message.

        Whoever gets False asks the parts themselves, which log what has changed.
        """
        if parts not in self._checks:
            facts = [part.facts() for part in parts]
            known = [each for each in facts if each is not None]
            if len(known) < len(facts):
                self._checks[parts] = bool  # of nothing: False
            else:
                self._checks[parts] = _core.Facts(tuple(chain.from_iterable(known))).hold
        return self._checks[parts]

    def sentences(self) -> list[str]:
        """Return what the first line of the log says of parts that are not relied on."""
        parts = (self.dispatch, self.closing, self.sync_dispatch, self.sessions)
        return [sentence for part in parts if (sentence := part.sentence())]


class SharedWhile:
    """A plan of shared handlers, followed as long as all that its frames pass by is relied on.

    It does not keep the plan alive.
    """

    def __init__(self, plan: "SharingPlan", seam: Seam, parts: tuple[Reliance, ...]) -> None:
        self._plan = weakref.ref(plan)
        self._parts = parts
        self._is_as_read = seam.check_of(*parts)

    def run(self, message: dict[str, Any]) -> Any:
        """Run the handler once, as the plan does; None: it runs for each consumer."""
        plan = self._followed()
        return None if plan is None else plan.run(message)

    def attributes_for(self, fingerprint: bytes) -> Any:
        """Return what the plan says of a run of another process; None: the handler runs here."""
        plan = self._followed()
        return None if plan is None else plan.attributes_for(fingerprint)

    def _followed(self) -> "SharingPlan | None":
        is_as_read = self._is_as_read() or all(part.holds() for part in self._parts)
        return self._plan() if is_as_read else None
