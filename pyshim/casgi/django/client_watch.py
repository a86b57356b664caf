"""Hearing of a client that leaves, without a task that waits for it.

Django has a task await receive() until its response was sent. casgi's own receive() is stepped here
by hand, and calls back; it has nothing else to say once the body was read.
"""

from collections.abc import Callable
from typing import Any

from casgi import _core


def is_watchable(receive: Any) -> bool:
    """Whether this is casgi's own, and nobody's around it."""
    return type(receive) is _core.AsyncMethod


class ClientWatch:
    """Watches the client of one request, in the event loop, from its making to `close`.

    Attributes:
        has_left: the client has.

    """

    __slots__ = ("_on_left", "_pending", "_waiter", "has_left")

    def __init__(self, receive: Any) -> None:
        """Begin; `receive` is watchable and the body was read."""
        self.has_left = False
        self._on_left: Callable[[], object] | None = None
        self._pending: Any = receive()
        self._waiter: Any = None
        self._listen()

    def call_when_left(self, function: Callable[[], object]) -> None:
        """Call it when the client leaves, which it has not done yet."""
        self._on_left = function

    def close(self) -> None:
        """Watch it no longer."""
        waiter, self._waiter, self._on_left = self._waiter, None, None
        if waiter is not None:
            waiter.remove_done_callback(self._on_woken)
            self._pending.close()

    def _listen(self) -> None:
        try:
            self._waiter = self._pending.send(None)
        except StopIteration:
            self._waiter = None
            self.has_left = True
        else:
            self._waiter.add_done_callback(self._on_woken)

    def _on_woken(self, waiter: object) -> None:
        if self._waiter is None:
            return
        self._listen()
        if self.has_left and self._on_left is not None:
            self._on_left()
