"""What a sync consumer sends by: at once, in the thread in which it runs.

Channels gives it `async_to_sync(send)`: for each message the event loop makes a task that awaits
what `send` has returned, and the thread waits for the task. casgi's `send` takes a message from any
thread, and mostly has done all there is to do when it returns. Then nothing is left to wait for;
the thread waits for the loop, as ever, while the client does not read.
"""

import asyncio
import os
from collections.abc import Sequence
from types import MethodType
from typing import Any

from asgiref.sync import AsyncToSync, SyncToAsync

from casgi import _core
from casgi.channels.seam import Reliance, Seam


class DirectSend(AsyncToSync[..., Any]):
    """Channels' `base_send` of a sync consumer, with nothing between the consumer and the server.

    It is that object but for its class, and does what it does when anything is not as it was read.
    """

    def __init__(self, base_send: AsyncToSync[..., Any], send: Any, seam: Seam) -> None:
        """Take what it stands in for, and the server's `send` behind it."""
        vars(self).update(vars(base_send))
        self._base_send = base_send
        self._awaitable = base_send.awaitable
        self._send = send
        self._parts: Sequence[Reliance] = (seam.sync_dispatch,)
        if type(base_send.awaitable) is MethodType:  # of Channels' session middleware
            self._parts = (seam.sync_dispatch, seam.sessions)
        self._is_as_read = seam.check_of(*self._parts)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Send a message, and wait as long as the client does not read."""
        __traceback_hide__ = True
        if not self._may_send_here():
            return self._as_it_is_now()(*args, **kwargs)
        awaitable = self._send(*args, **kwargs)
        if type(awaitable) is not _core.Outcome:
            return _wait(awaitable)
        try:
            awaitable.send(None)
        except StopIteration as outcome:
            return outcome.value
        return _wait(awaitable)

    def _as_it_is_now(self) -> AsyncToSync[..., Any]:
        """Return Channels' object with what has been changed on this one, which stands for it."""
        self._base_send.awaitable = self.awaitable
        self._base_send.force_new_loop = self.force_new_loop
        return self._base_send

    def _may_send_here(self) -> bool:
        if self.awaitable is not self._awaitable or self.force_new_loop:
            return False
        is_as_read = self._is_as_read() or all(part.holds() for part in self._parts)
        return is_as_read and _has_loop_that_waits()


def _has_loop_that_waits() -> bool:
    """Whether asgiref would have the loop that waits for this thread await what is called."""
    if asyncio._get_running_loop() is not None:
        return False
    local: Any = SyncToAsync.threadlocal
    loop: asyncio.AbstractEventLoop | None = getattr(local, "main_event_loop", None)
    if loop is None or loop.is_closed():
        return False
    return bool(local.main_event_loop_pid == os.getpid())


def _wait(awaitable: Any) -> Any:
    """Have the loop await it, and wait for that."""
    waiting: AsyncToSync[..., Any] = AsyncToSync.__new__(AsyncToSync)
    waiting.awaitable = lambda: awaitable
    waiting.force_new_loop = False
    return waiting()
