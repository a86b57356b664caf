"""What applications call: closing by user or session, and saying whose a WebSocket is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from channels.layers import channel_layers

from casgi.channels.identity.groups import DISCONNECT, session_group, user_group
from casgi.channels.identity.identity import KEY, SAID
from casgi.channels.identity.options import check_code, close_code, is_enabled
from casgi.channels.publishing import DONE, publish


def disconnect(
    *, user: Any = None, session: Any = None, code: int | None = None, reason: str = ""
) -> Awaitable[None]:
    """Close all WebSockets of a user or of a session, wherever on the cluster they are.

    From any code: sync code has sent it when this returns; async code may await what is returned.

    Args:
        user: the user, or its primary key; an anonymous one has no WebSockets.
        session: the session, or its key; one without a key has no WebSockets.
        code: the close code; by default that of the setting CASGI_DISCONNECT.
        reason: the close reason.

    Raises:
        RuntimeError: the setting CASGI_DISCONNECT is not there, so nobody knows whose they are.

    """
    if user is None and session is None:
        raise TypeError("disconnect() needs a user or a session")
    if not is_enabled():
        raise RuntimeError("disconnect() needs the setting CASGI_DISCONNECT = True")
    message: dict[str, Any] = {"type": DISCONNECT, "reason": reason}
    message["code"] = check_code(close_code() if code is None else code)
    return publish_to_all_layers([user_group(user), session_group(session)], message)


def publish_to_all_layers(groups: list[str | None], message: dict[str, Any]) -> Awaitable[None]:
    """Send to the groups on each layer of the settings: consumers may use any of them.

    A layer that fails keeps no other from it; what the first one raises is raised in the end.
    """
    sent: list[asyncio.Future[None]] = []
    errors: list[Exception] = []
    for alias in channel_layers.configs:
        for group in filter(None, groups):
            try:
                one = publish(group, message, using=alias)
            except Exception as error:
                errors.append(error)
            else:
                sent += [one] if isinstance(one, asyncio.Future) else []
    if sent:
        return asyncio.ensure_future(_wait_for_all(sent, errors))
    if errors:
        raise errors[0]
    return DONE


async def _wait_for_all(sent: list[asyncio.Future[None]], errors: list[Exception]) -> None:
    results = await asyncio.gather(*sent, return_exceptions=True)
    for error in (*errors, *results):
        if isinstance(error, BaseException):
            raise error


async def identify(scope: dict[str, Any], *, user: Any = None, session: Any = None) -> None:
    """Say whose the WebSocket of this scope is, where the scope's user and session do not.

    In a consumer, or in middleware before there is one: for users who are known by a token.
    """
    identity = scope.get(KEY)
    if identity is not None:
        await identity.identify(user=user, session=session)
        return
    said = dict(scope.get(SAID, {}))
    said.update({key: value for key, value in (("user", user), ("session", session)) if value})
    scope[SAID] = said
