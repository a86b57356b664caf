"""Signals that are the supervisor's, and that a worker must not die of while it starts.

A terminal, pkill and `systemctl kill` send them to every process of a service. They are blocked
when a worker is started, until it has handlers, since the default is to end or to stop. It has
them before it imports the application, which may set others, and whose own children would inherit
what is blocked.
"""

import signal

from casgi import _core
from casgi.signals_at_start import WAITING

LEFT_TO_SUPERVISOR = (signal.SIGHUP, signal.SIGINT, signal.SIGTTIN, signal.SIGTTOU)
"""Those that say nothing to a worker."""

HELD_BACK = (signal.SIGINT, *WAITING)
"""Blocked around the start of a worker: at SIGUSR2 it writes its stacks, at SIGUSR1 it opens its
logs anew, and the others are left to the supervisor."""

# A supervisor that is about to be upgraded holds these back, too.
_OF_UPGRADES = (signal.SIGTERM, signal.SIGCHLD)


def let_signals_come() -> None:
    """In a worker that handles SIGUSR1 and SIGUSR2: let all come; the others mean nothing."""
    for number in LEFT_TO_SUPERVISOR:
        pass_over(number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (*HELD_BACK, *_OF_UPGRADES))


def pass_over(number: signal.Signals) -> None:
    """Let a signal mean nothing, until somebody sets another handler."""
    if signal.getsignal(number) == signal.SIG_IGN:
        return
    # No SIG_IGN, which what the application starts would inherit.
    if number == signal.SIGINT:
        signal.signal(number, lambda number, frame: None)
    else:
        # A handler in C: Python takes its own ones away before the process has ended.
        _core.hold_signal(number)
