"""One process that serves, as the commands see it. They are called on its control thread."""

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from casgi import _core
from casgi.control.protocol import ControlError
from casgi.status.observed import Observed

_SECONDS = 2.0

T = TypeVar("T")


class Process:
    """What can be looked into.

    Attributes:
        worker: its number, from 1.
        core: the server.
        loop: that it runs on.
        loop_thread: of that, as threading.get_ident().
        observed: returns what was observed of it so far.
        limits: the options that can be changed, as they are now.

    """

    def __init__(
        self,
        core: _core.Server,
        loop: asyncio.AbstractEventLoop,
        limits: dict[str, Any],
        worker: int = 1,
    ) -> None:
        """Take the loop that the server runs on, on its thread."""
        self.worker = worker
        self.core = core
        self.limits = limits
        self.loop = loop
        self.observed: Callable[[], Observed] = Observed
        self.loop_thread = threading.get_ident()

    def on_loop(self, function: Callable[[], T]) -> T:
        """Return what a function returns that has to run on the server's loop.

        Raise ControlError when the loop is held up: it is called then as soon as it goes on.
        """
        result: concurrent.futures.Future[T] = concurrent.futures.Future()

        def call() -> None:
            try:
                result.set_result(function())
            except BaseException as error:
                result.set_exception(error)

        self.loop.call_soon_threadsafe(call)
        try:
            return result.result(_SECONDS)
        except TimeoutError:
            raise ControlError(
                f"the event loop of worker {self.worker} is held up: it is done when that goes on"
            ) from None

    def connection_name(self, number: int) -> str:
        """Return the name of a connection, which no other of the server has or will have."""
        return f"{os.getpid()}-{number}"
