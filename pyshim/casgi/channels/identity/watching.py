"""Ends of sessions and of users, noticed in Django, in whatever process they happen.

`flush()` ends a session, `cycle_key()` gives it another key: both are wrapped, in SessionBase and
wherever the project's backend has its own, since no signal tells of either (at `user_logged_out`
the session still logs in). A user whose password has changed, or who is not active any more, is
noticed when it is saved, and one that is deleted then. All is told after commit;
what cannot be told is logged, and keeps nobody from logging out.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from importlib import import_module
from typing import Any

from casgi.channels.identity.api import disconnect, publish_to_all_layers
from casgi.channels.identity.groups import RENAME, VERIFY, session_group, user_group
from casgi.channels.identity.options import close_code
from casgi.channels.publishing import after_commit

logger = logging.getLogger("casgi.channels")

_MARK = "_casgi_watched"


def watch() -> None:
    """Begin to notice. Can be called again."""
    from django.conf import settings
    from django.contrib.sessions.backends.base import SessionBase
    from django.db.models.signals import post_delete, post_save

    backend = import_module(settings.SESSION_ENGINE).SessionStore
    for owner in dict.fromkeys((SessionBase, *backend.__mro__)):
        for name in ("flush", "cycle_key"):
            _wrap(owner, name, _watched)
            _wrap(owner, "a" + name, _watched_async)
    post_save.connect(_on_save, dispatch_uid="casgi.channels.identity")
    post_delete.connect(_on_delete, dispatch_uid="casgi.channels.identity")


def _wrap(owner: Any, name: str, wrap: Callable[[Any], Any]) -> None:
    method = vars(owner).get(name)
    if method is not None and not hasattr(method, _MARK):
        wrapper = wrap(method)
        setattr(wrapper, _MARK, True)
        setattr(owner, name, wrapper)


def _watched(method: Any) -> Any:
    @functools.wraps(method)
    def call(session: Any, *args: Any, **options: Any) -> Any:
        before = session.session_key
        result = method(session, *args, **options)
        if before:
            _quietly(_change_of(before, session.session_key))
        return result

    return call


def _watched_async(method: Any) -> Any:
    @functools.wraps(method)
    async def call(session: Any, *args: Any, **options: Any) -> Any:
        before = session.session_key
        result = await method(session, *args, **options)
        if before:
            await after_commit(_quiet(_change_of(before, session.session_key)), robust=True)
        return result

    return call


def _change_of(before: str, after: str | None) -> Callable[[], object]:
    if after is None:
        return lambda: disconnect(session=before)
    message = {"type": RENAME, "key": after}
    return lambda: publish_to_all_layers([session_group(before)], message)


def _on_save(sender: Any, instance: Any, created: bool, **options: Any) -> None:
    from django.contrib.auth import get_user_model

    fields = options.get("update_fields")
    is_of_interest = fields is None or {"password", "is_active"} & set(fields)
    if created or not is_of_interest or not isinstance(instance, get_user_model()):
        return
    get_hash = getattr(instance, "get_session_auth_hash", None)
    message = {
        "type": VERIFY,
        "active": bool(getattr(instance, "is_active", True)),
        "hash": None if get_hash is None else get_hash(),
        "code": close_code(),
    }
    group = user_group(instance)
    _quietly(lambda: publish_to_all_layers([group], message))


def _on_delete(sender: Any, instance: Any, **options: Any) -> None:
    from django.contrib.auth import get_user_model

    if isinstance(instance, get_user_model()):
        key = instance.pk  # which it has no more at the commit
        _quietly(lambda: disconnect(user=key))


def _quietly(call: Callable[[], object]) -> None:
    after_commit(_quiet(call), robust=True)


def _quiet(call: Callable[[], object]) -> Callable[[], None]:
    def notify() -> None:
        try:
            call()
        except Exception:
            logger.exception("WebSockets cannot be told of the end of their session or user")

    return notify
