"""Whose the WebSocket of one consumer is, and the memberships that follow from it.

Made when the consumer begins to listen, before it is asked to connect. It ends with the channel,
which leaves all its groups.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from asgiref.sync import AsyncToSync
from channels.db import database_sync_to_async

from casgi.channels.identity.groups import (
    DISCONNECT,
    KINDS,
    RENAME,
    session_group,
    user_group,
)
from casgi.channels.identity.options import close_code, is_enabled
from casgi.channels.identity.primary import read_from_primary
from casgi.channels.standing import attributes_of

logger = logging.getLogger("casgi.channels")

# Where a scope has its Identity, and what identify() has said before there was one.
KEY = "casgi.identity"
SAID = "casgi.identified"


class Identity:
    """The user and session of a consumer's WebSocket."""

    def __init__(self, consumer: Any, channel: str) -> None:
        """Belong to a consumer that listens to the channel."""
        self._consumer = consumer
        self._channel = channel
        self._layer = consumer.channel_layer
        self._groups: dict[str, str] = {}
        self._hash: str | None = None
        self._session: Any = None
        self._expiry: asyncio.TimerHandle | None = None
        self._has_ended = False

    async def begin(self) -> None:
        """Join the groups of the scope's user and session."""
        scope = self._consumer.scope
        said = scope.get(SAID, {})
        user, session = _known(scope.get("user")), _known(scope.get("session"))
        if getattr(user, "is_authenticated", False):
            said = {"user": user, **said}
        if getattr(session, "session_key", None):
            said = {"session": session, **said}
        await self.identify(**said)

    async def identify(self, user: Any = None, session: Any = None) -> None:
        """Be of this user, or session, from now on; of none, if it is an anonymous one."""
        if session is not None:
            await self._join("session", session_group(session))
            self._session = session if hasattr(session, "get_expiry_age") else None
        await _load(self._session)
        if session is not None:
            self._watch_expiry()
        if user is not None:
            await self._join("user", user_group(user))
            self._hash = _hash_of(user, self._session)

    async def _join(self, kind: str, group: str | None) -> None:
        before = self._groups.pop(kind, None)
        if group is not None:
            self._groups[kind] = group
        if before == group:
            return
        if group is not None:
            await self._layer.group_add(group, self._channel)
        if before is not None:
            await self._layer.group_discard(before, self._channel)

    async def take(self, message: dict[str, Any]) -> None:
        """Do what a message to one of the groups says."""
        kind = message["type"]
        if kind == DISCONNECT:
            await self.close(message["code"], message.get("reason", ""))
        elif kind == RENAME:
            await self._rename(message["key"])
        elif not message["active"] or (self._hash and self._hash != message["hash"]):
            await self.close(message["code"])

    async def close(self, code: int, reason: str = "") -> None:
        """Close the WebSocket; the consumer gets its disconnect as ever."""
        send = self._consumer.base_send
        if isinstance(send, AsyncToSync):
            send = send.awaitable
        await send({"type": "websocket.close", "code": code, "reason": reason})

    async def _rename(self, key: str) -> None:
        """Follow the session to its new key. What has ended it since went to the new group."""
        await self._join("session", session_group(key))
        if self._session is not None:
            self._session = type(self._session)(key)
            await self._look_at_session()

    # Expiry

    def _watch_expiry(self) -> None:
        self._stop_watching()
        if self._session is not None and not self._has_ended:
            seconds = max(self._session.get_expiry_age(), 0) + 1
            loop = asyncio.get_running_loop()
            self._expiry = loop.call_later(
                seconds, lambda: loop.create_task(self._look_at_session())
            )

    async def _look_at_session(self) -> None:
        """Close the WebSocket if the session has ended; somebody may have used it meanwhile."""
        try:
            stored = await database_sync_to_async(_as_stored)(self._session)
            if self._has_ended:
                return
            if stored is None:
                await self.close(close_code())
            else:
                self._session = stored
                self._watch_expiry()
        except Exception:
            logger.exception("A session cannot be looked at: its WebSocket stays")

    def end(self) -> None:
        """Watch no more, also not after a look at the session that is under way."""
        self._has_ended = True
        self._stop_watching()

    def _stop_watching(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None


def is_of_identity(message: dict[str, Any]) -> bool:
    """Whether a message is for Identity.take(), and not for the consumer."""
    kind = message.get("type") if type(message) is dict else None
    return type(kind) is str and kind in KINDS


async def begin_identity(consumer: Any, channel: str) -> Identity | None:
    """Return the identity of a consumer, when the settings ask for that, and it has one."""
    if not is_enabled():
        return None
    identity = Identity(consumer, channel)
    consumer.scope[KEY] = identity
    await identity.begin()
    return identity


def end_identity(consumer: Any) -> None:
    """Watch no more over the session of a consumer that has ended."""
    scope = attributes_of(consumer).get("scope")
    identity = scope.pop(KEY, None) if isinstance(scope, dict) else None
    if identity is not None:
        identity.end()


def _known(thing: Any) -> Any:
    """Return what a lazy object has loaded, None if nothing: loading could ask the database."""
    attributes = getattr(thing, "__dict__", {})
    if "_wrapped" not in attributes:
        return thing
    wrapped = attributes["_wrapped"]
    return None if type(wrapped) is object else wrapped


async def _load(session: Any) -> None:
    """Have a session ask its database in a thread, before it would do so in the event loop."""
    if session is not None and not hasattr(session, "_session_cache"):
        await database_sync_to_async(session.get_expiry_age)()


def _as_stored(session: Any) -> Any:
    """Return a session as it is stored now, None if it is not; asks the database it is saved in.

    An empty one that is stored has its key. To one that it does not find a backend gives none, or
    another, or, where the key is all there is, it wants it to be saved.
    """
    stored = type(session)(session.session_key)
    read_from_primary(stored)
    stored.get_expiry_age()
    is_there = stored.session_key == session.session_key and not stored.modified
    return stored if is_there else None


def _hash_of(user: Any, session: Any) -> str | None:
    """Return what shows that the password is the same: of the session, or of the user now."""
    from django.contrib.auth import HASH_SESSION_KEY

    kept: str | None = None if session is None else session.get(HASH_SESSION_KEY)
    get_hash = getattr(user, "get_session_auth_hash", None)
    return kept or (None if get_hash is None else get_hash())
