"""The signal at which a worker writes where its threads are, also while C code holds the GIL.

Anybody may send it to all processes of a service, so that it must not harm one that works. Who
writes is decided in csrc/loop/stack_signal.h: the main thread if it comes to it, or whoever asks
write_stacks_if_asked() meanwhile; at the supervisor's second signal faulthandler's own handler,
which looks at frames that may change under it.
"""

import atexit
import faulthandler
import signal
from types import FrameType

from casgi import _core
from casgi.signals import is_handled

STACK_SIGNAL = signal.SIGUSR2

_STDERR = 2


def write_stacks_at_signal() -> None:
    """Have the signal handled from now on, unless it is ignored or has a handler."""
    if is_handled(STACK_SIGNAL):
        return
    atexit.register(_hold)
    signal.signal(STACK_SIGNAL, _on_signal)
    faulthandler.register(STACK_SIGNAL, file=_STDERR)
    _core.guard_stack_signal(STACK_SIGNAL)


def write_stacks_if_asked() -> None:
    """Write the stacks to standard error when the signal has come, and nobody has yet."""
    if _core.take_stack_signal():
        faulthandler.dump_traceback(_STDERR)


def _on_signal(number: int, frame: FrameType | None) -> None:
    write_stacks_if_asked()


def _hold() -> None:
    """At the end Python gives what it has handled its default back, which would end the process.

    And faulthandler gives it what it had before: Python's handler, which crashes without a Python.
    """
    handler = signal.getsignal(STACK_SIGNAL)
    faulthandler.unregister(STACK_SIGNAL)
    if handler is _on_signal:
        signal.signal(STACK_SIGNAL, signal.SIG_IGN)  # Its default would be that of other threads.
        _core.hold_signal(STACK_SIGNAL)
    elif handler is not None:
        signal.signal(STACK_SIGNAL, handler)
