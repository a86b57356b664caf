"""The `send` behind wrappers that let the messages of a WebSocket through as they are.

Only wrappers whose text is known are looked behind, and only while they are what their files say.
"""

from types import MethodType
from typing import Any

from asgiref.sync import AsyncToSync
from channels.sessions import InstanceSessionWrapper
from django.contrib.sessions.backends.base import SessionBase
from django.utils.functional import LazyObject

from casgi import _core
from casgi.channels.direct_send import DirectSend
from casgi.channels.seam import Seam

_SEND = _core.AsyncMethod
_SAVES_AT = ["http.response.start"]
_SESSION_SEND = vars(InstanceSessionWrapper)["send"]
_IS_EMPTY = vars(SessionBase)["is_empty"]


def is_sync(base_send: object) -> bool:
    """Whether this is what Channels has made of `send` for a sync consumer, or ours for that."""
    return type(base_send) in (AsyncToSync, DirectSend)


def is_behind_sessions(base_send: object) -> bool:
    """Whether Channels' session middleware has wrapped what this calls."""
    send = vars(base_send)["awaitable"] if is_sync(base_send) else base_send
    return type(send) is MethodType and type(send.__self__) is InstanceSessionWrapper


def innermost_send(base_send: object, seam: Seam) -> Any:
    """Return what a consumer's `base_send` calls in the end, as far as it is known."""
    send: Any = vars(base_send)["awaitable"] if is_sync(base_send) else base_send
    knows_sessions = seam.sessions.holds()
    while True:
        if knows_sessions and _is_quiet_session(send):
            behind = vars(send.__self__)["real_send"]
        else:
            behind = seam.wrappers.behind(send)
        if behind is None:
            return send
        send = behind


def direct_send(base_send: object, seam: Seam) -> DirectSend | None:
    """Return what sends in the thread of a sync consumer; None: there is more to do than that."""
    if type(base_send) is not AsyncToSync or not seam.sync_dispatch.holds():
        return None
    send = innermost_send(base_send, seam)
    is_whole = vars(base_send).keys() <= {"awaitable", "force_new_loop", "__self__"}
    # Wrappers have nothing to do for a WebSocket only: the session is saved at an HTTP response.
    is_of_websocket = type(send) is _SEND and type(send.__self__) is _core.WsCycle
    return DirectSend(base_send, send, seam) if is_whole and is_of_websocket else None


def _is_quiet_session(send: object) -> bool:
    """Whether this is the session middleware's `send`, which does nothing for a WebSocket.

    For each message it asks the session whether it was modified and is empty, and then compares
    the message's type. Asking does nothing unless the session's class has rules of its own.
    """
    if type(send) is not MethodType or send.__func__ is not _SESSION_SEND:
        return False
    wrapper: Any = send.__self__
    if type(wrapper) is not InstanceSessionWrapper:
        return False
    own = vars(wrapper)
    if "save_message_types" in own or InstanceSessionWrapper.save_message_types != _SAVES_AT:
        return False
    return not own["activated"] or _is_plain_session(own["scope"].get("session"))


def _is_plain_session(session: object) -> bool:
    store = vars(session).get("_wrapped") if type(session) is LazyObject else None
    for owner in type(store).__mro__:
        if owner is SessionBase:
            return vars(owner).get("is_empty") is _IS_EMPTY and "modified" in vars(store)
        if {"is_empty", "modified", "__getattribute__"} & vars(owner).keys():
            return False
    return False
