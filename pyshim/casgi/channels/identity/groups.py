"""The groups in which the WebSockets of a user or a session are, and the messages sent to them.

Names are digests: a session's key lets in whoever knows it, and any primary key has to fit.
"""

import hashlib
from typing import Any

DISCONNECT = "casgi.disconnect"
RENAME = "casgi.session"
VERIFY = "casgi.verify"
KINDS = frozenset({DISCONNECT, RENAME, VERIFY})


def user_group(user: Any) -> str | None:
    """Return the group of a user, given as a model or by the primary key of the project's model.

    None for who is nobody: anonymous, or not saved. All of those would have one group.
    """
    key = getattr(user, "pk", user)
    return None if key is None else f"casgi.user.{_digest(f'{_kind_of(user)} {key}')}"


def _kind_of(user: Any) -> str:
    """Return which model it is of: two may have users of the same key."""
    from django.conf import settings
    from django.contrib.auth import get_user_model

    meta = getattr(user, "_meta", None)
    # What inherits from the project's model is the same user, with the same key.
    if meta is None or isinstance(user, get_user_model()):
        return str(settings.AUTH_USER_MODEL).lower()
    return str(meta.concrete_model._meta.label_lower)


def session_group(session: Any) -> str | None:
    """Return the group of a session, given as a SessionBase or by its key; None if it has none."""
    key = getattr(session, "session_key", session)
    return None if key is None else "casgi.session." + _digest(str(key))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]
