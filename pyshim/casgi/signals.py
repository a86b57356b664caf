"""Signals while a server runs.

SIGINT and SIGTERM: one asks for a graceful stop, two for an end at once. SIGUSR1: the logs are
opened anew. SIGHUP: in a service they and the certificates are; where there is a terminal it has
gone, and the server stops. What the application has a handler for, and what is ignored (nohup),
is left alone. What comes before the server, to a process that imports its application, is held
until then; what comes even earlier waits (signals_at_start.py).
"""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from types import FrameType
from weakref import WeakSet

from casgi import _core
from casgi.signals_at_start import (
    STOP_SIGNALS,
    end_at_signal,
    end_by,
    had_terminal,
    handler_at_start,
)

logger = logging.getLogger("casgi.process")

_OF_LOGS = (signal.SIGUSR1, signal.SIGHUP)

# A loop that has not seen a signal for this long is held up by code that never awaits.
_BLOCKED_AFTER = 1.0


class StopSignals:
    """Calls on_signal in the running loop for each of the first two of `numbers`, while entered.

    After the second the next ends the process whatever it does. So does the second already when
    the loop is blocked and cannot see the first.

    Attributes:
        first_at: time.monotonic() of the first one, None before it.
        second_at: the same of the second.

    """

    def __init__(
        self,
        on_signal: Callable[[], None],
        numbers: tuple[signal.Signals, ...] = STOP_SIGNALS,
    ) -> None:
        self.first_at: float | None = None
        self.second_at: float | None = None
        self._on_signal = on_signal
        self._loop = asyncio.get_running_loop()
        self._previous = {number: handler_at_start(number) for number in numbers}
        self._seen = 0
        self._unseen_since: float | None = None
        self._is_given_back = False

    def __enter__(self) -> "StopSignals":
        for number in self._previous:
            self._loop.add_signal_handler(number, self._in_loop)
            # The loop is woken through a descriptor, so that the handler itself is free for us.
            signal.signal(number, self._at_once)
        _entered.add(self)
        return self

    def __exit__(self, *exception: object) -> None:
        _entered.discard(self)
        self._give_back()
        self.restore()

    def taken(self) -> list[signal.Signals]:
        """Return those that are not for us any more, since somebody has taken them; on any thread.

        A handler of signal.signal() takes none: the loop is told of the signal as well.
        """
        found = [number for number in self._previous if self._is_taken(number)]
        return [] if self._is_given_back else found

    def _is_taken(self, number: signal.Signals) -> bool:
        # Only asyncio's own loops let others see whose a signal is.
        handle = getattr(self._loop, "_signal_handlers", {}).get(number)
        is_ours = handle is None or handle._callback == self._in_loop
        return not is_ours or signal.getsignal(number) == signal.SIG_IGN

    def restore(self) -> None:
        """Set the handlers that were there before."""
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
        if self.first_at is None:
            self.first_at = now
        elif self.second_at is None:
            self.second_at = now
        if self._unseen_since is None:
            self._unseen_since = now
        elif now - self._unseen_since > _BLOCKED_AFTER:
            end_by(number)

    def _give_back(self) -> None:
        self._is_given_back = True
        for number in self._previous:
            self._loop.remove_signal_handler(number)
            end_at_signal(number)


class LogSignals:
    """Calls, while entered, reopen() at SIGUSR1, and at SIGHUP renew(), or stop() of a terminal."""

    def __init__(
        self, reopen: Callable[[], None], renew: Callable[[], None], stop: Callable[[], None]
    ) -> None:
        self._reopen = reopen
        self._renew = renew
        self._stop = stop
        self._loop = asyncio.get_running_loop()
        self._taken: list[signal.Signals] = []
        self._held = [number for number in _OF_LOGS if _core.holds_signal(number)]
        # Asked now: when a terminal hangs up, it is gone before the signal comes.
        self._has_terminal = had_terminal()

    def __enter__(self) -> "LogSignals":
        for number, handler in (
            (signal.SIGUSR1, self._reopen),
            (signal.SIGHUP, self._hang_up),
        ):
            if handle_in_loop(number, handler):
                self._taken.append(number)
        _entered.add(self)
        return self

    def __exit__(self, *exception: object) -> None:
        _entered.discard(self)
        with blocked(self._taken):
            for number in self._taken:
                self._loop.remove_signal_handler(number)
            hold_until_served(self._held)  # Threads may keep the process for a while.

    def restore(self) -> None:
        """Set the handlers that were there before."""
        for number in self._taken:
            signal.signal(number, signal.SIG_DFL)

    def _hang_up(self) -> None:
        if self._has_terminal:
            logger.info("SIGHUP: the terminal has gone")
            self._stop()
            return
        logger.info("SIGHUP: logs and certificates anew; new code and settings need a restart")
        self._renew()


def hold_until_served(numbers: Collection[signal.Signals] = (signal.SIGUSR1,)) -> None:
    """Let signals not end a process that starts, but be noted until there is a server.

    A handler that the application sets meanwhile wins.
    """
    for number in numbers:
        if not is_handled(number):
            # A handler in C: of Python's own one cannot tell whether faulthandler has replaced it.
            _core.hold_signal(number)
            _held.add(number)


def handle_in_loop(number: signal.Signals, handler: Callable[[], object]) -> bool:
    """Have a signal handled in the running loop, unless it is_handled(); return whether it is.

    For one that was held and has come the handler is called now.
    """
    if is_handled(number):
        return False
    asyncio.get_running_loop().add_signal_handler(number, handler)
    if _core.take_signal(number):
        handler()
    return True


@contextlib.contextmanager
def blocked(numbers: Collection[signal.Signals]) -> Iterator[None]:
    """Let signals wait, also those of processes that are started meanwhile."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def is_handled(number: signal.Signals) -> bool:
    """Whether it is ignored or has a handler but ours, be it one in C (faulthandler.register)."""
    if _core.holds_signal(number):
        return False
    if signal.getsignal(number) != signal.SIG_DFL:
        return True
    with contextlib.suppress(OSError):
        status = Path("/proc/self/status").read_text("ascii", "replace")
        caught = status.partition("SigCgt:")[2].split()
        return bool(caught) and bool(int(caught[0], 16) >> (number - 1) & 1)
    return False


_entered: WeakSet[StopSignals | LogSignals] = WeakSet()
# Not those that a worker passes over (supervisor/worker_signals.py): so do its children.
_held: set[signal.Signals] = set()
_OURS = (*STOP_SIGNALS, signal.SIGUSR1, signal.SIGHUP)


def _hold_back() -> None:
    """Before a fork: a signal for the child must not come while it still has our handlers."""
    if _entered:
        signal.pthread_sigmask(signal.SIG_BLOCK, _OURS)


def _let_through() -> None:
    if _entered:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _OURS)


def _leave_in_child() -> None:
    """Give a forked child its signals back: ours would tell the parent's loop of the child's."""
    for number in _held:
        if _core.holds_signal(number):
            signal.signal(number, signal.SIG_DFL)
    if not _entered:
        return
    signal.set_wakeup_fd(-1)
    for signals in list(_entered):
        signals.restore()
    _let_through()
    _entered.clear()


os.register_at_fork(before=_hold_back, after_in_parent=_let_through, after_in_child=_leave_in_child)
