"""Signals that come while the command starts, before it has imported what handles them.

Most of them end or stop a process that has no handler. They wait until it has, or is known to be
of those that have none for them. SIGINT and SIGTERM end it at once, SIGINT without a traceback.
This imports next to nothing: what comes before it nobody can hold back.
"""

import os
import signal
from types import FrameType
from typing import Any

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
WAITING = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU)
"""Those that wait, as those to a worker do that its supervisor starts."""

_OF_A_SHELL = 128  # and the signal's number: the exit status of who was ended by it

_blocked: set[int] = set()
_had_terminal = False
_replaced: dict[int, Any] = {}


def hold_signals_back() -> None:
    """Let signals wait until let_waiting_signals_come(); they may do so already."""
    global _had_terminal
    _blocked.update(set(WAITING).difference(signal.pthread_sigmask(signal.SIG_BLOCK, WAITING)))
    _had_terminal = has_terminal()
    for number in STOP_SIGNALS:
        handler = signal.getsignal(number)
        if handler in (signal.SIG_DFL, signal.default_int_handler):
            _replaced[number] = handler
            end_at_signal(number)


def let_waiting_signals_come() -> None:
    """Let those come that hold_signals_back() has blocked."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _blocked)
    _blocked.clear()


def forget_waiting_signals(*numbers: signal.Signals) -> None:
    """Let those not come that have come so far; from here on they do what they always do."""
    for number in _blocked.intersection(numbers):
        if (handler := signal.getsignal(number)) == signal.SIG_DFL:
            signal.signal(number, signal.SIG_IGN)  # With this the kernel forgets them.
            signal.signal(number, handler)


def let_signals_end() -> None:
    """Let signals do what they do to any Python program: this is no server."""
    for number, handler in _replaced.items():
        signal.signal(number, handler)
    let_waiting_signals_come()


def handler_at_start(number: int) -> Any:
    """Return the handler that a stop signal has, or had when the command began."""
    handler = signal.getsignal(number)
    return _replaced.get(number, handler) if handler in (signal.SIG_DFL, end_by) else handler


def end_at_signal(number: int) -> None:
    """Let a signal end the process whatever it does."""
    # The kernel ignores what the first process of a container has no handler for.
    signal.signal(number, end_by if os.getpid() == 1 else signal.SIG_DFL)


def end_by(number: int, frame: FrameType | None = None) -> None:
    """End the process by a signal; as PID 1 with the status that a shell would give it."""
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    os._exit(_OF_A_SHELL + number)


def had_terminal() -> bool:
    """Whether the process has a controlling terminal, or had one when it began."""
    return _had_terminal or has_terminal()


def has_terminal() -> bool:
    """Whether the process has a controlling terminal: the seventh field of proc(5)'s stat."""
    try:
        with open("/proc/self/stat", encoding="ascii", errors="replace") as stat:
            return int(stat.read().rpartition(")")[2].split()[4]) != 0
    except (OSError, ValueError, IndexError):
        return False
