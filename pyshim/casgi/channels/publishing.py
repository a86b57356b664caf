"""Sending to a group from any code, with an event loop or without: at once, or on commit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from channels.layers import channel_layers

from casgi import _core

# Tasks that nobody may be waiting for, which would otherwise be collected half-way.
_under_way: set[asyncio.Future[Any]] = set()


class _Done:
    """What is returned where everything is done already: awaiting it is allowed, and not needed."""

    def __await__(self) -> Generator[None, None, None]:
        return iter(())  # type: ignore[return-value]


DONE = _Done()


def publish(group: str, message: dict[str, Any], *, using: str = "default") -> Awaitable[None]:
    """Send a message to a group of any channel layer, now.

    In sync code it is sent when this returns, and raises what sending raises. In async code it is
    sent by a task; who awaits what is returned hears of errors.

    Args:
        group: the group's name.
        message: as for the layer's group_send().
        using: the layer's alias in CHANNEL_LAYERS.

    """
    layer = channel_layers[using]
    if _has_loop():
        return _start(layer.group_send(group, message))
    plain_calls = getattr(layer, "sync", None)
    if plain_calls is not None:
        plain_calls.group_send(group, message)
    else:
        async_to_sync(layer.group_send)(group, message)
    return DONE


def on_commit(
    group: str,
    message: dict[str, Any],
    *,
    using: str = "default",
    database: str | None = None,
    robust: bool = False,
) -> Awaitable[None]:
    """Send a message to a group when the current transaction commits, and not if it rolls back.

    Outside a transaction it is sent at once. The message is as it was when this was called. In
    async code await what is returned: the transaction is that of the thread of sync_to_async().

    Args:
        group: the group's name.
        message: as for the layer's group_send().
        using: the layer's alias in CHANNEL_LAYERS.
        database: the alias of the database whose transaction it is; by default the default one.
        robust: an error of sending is logged by Django instead of raised after the commit.

    """
    layer = channel_layers[using]
    layer.require_valid_group_name(group)
    send = partial(publish, group, _core.copy_message(message), using=using)
    return after_commit(send, database=database, robust=robust)


def after_commit(
    call: Callable[[], Any], *, database: str | None = None, robust: bool = False
) -> Awaitable[None]:
    """Call something when the current transaction commits; at once outside one."""
    from django.core.exceptions import ImproperlyConfigured
    from django.db import transaction

    def register() -> None:
        try:
            transaction.on_commit(call, using=database, robust=robust)
        except ImproperlyConfigured:  # without a database there are no transactions
            call()

    if _has_loop():
        return _start(sync_to_async(register)())
    register()
    return DONE


def _start(work: Any) -> Awaitable[None]:
    task: asyncio.Future[None] = asyncio.ensure_future(work)
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)
    return task


def _has_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
