"""SIGINT and SIGTERM while a server runs: one asks for a graceful stop, two for an end at once."""

import asyncio
import signal
import time
from collections.abc import Callable
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)

# A loop that has not seen a signal for this long is held up by code that never awaits.
_BLOCKED_AFTER = 1.0


class StopSignals:
    """Calls on_signal in the running loop for each of the first two signals, while entered.

    After the second the system's own handling is back: a third ends the process whatever it does.
    So does the second already when the loop is blocked and cannot see the first.
    """

    def __init__(self, on_signal: Callable[[], None]) -> None:
        self._on_signal = on_signal
        self._loop = asyncio.get_running_loop()
        self._previous = {number: signal.getsignal(number) for number in STOP_SIGNALS}
        self._seen = 0
        self._unseen_since: float | None = None

    def __enter__(self) -> None:
        for number in STOP_SIGNALS:
            self._loop.add_signal_handler(number, self._in_loop)
            # The loop is woken through a descriptor, so that the handler itself is free for us.
            signal.signal(number, self._at_once)

    def __exit__(self, *exception: object) -> None:
        self._give_back()
        for number, handler in self._previous.items():
            if handler is not None:
                signal.signal(number, handler)

    def _in_loop(self) -> None:
        self._unseen_since = None
        self._seen += 1
        if self._seen == 2:
            self._give_back()
        self._on_signal()

    def _at_once(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._unseen_since is None:
            self._unseen_since = now
        elif now - self._unseen_since > _BLOCKED_AFTER:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    def _give_back(self) -> None:
        for number in STOP_SIGNALS:
            self._loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
