"""How the system schedules the threads that synchronous code runs in.

The event loop wakes a thread while it holds the GIL, so a thread that takes the processor from it
at once can do nothing but wait for the GIL, and the processor goes back and forth twice. Linux has
a policy for threads that do not preempt who wakes them; their share of the time is the same.
"""

import contextlib
import os


def preempt_nobody() -> None:
    """Have the calling thread, and what it starts, let others go on when it is woken.

    Only if its policy is the ordinary one, and where the system has such another and allows it.
    """
    with contextlib.suppress(AttributeError, OSError):
        if os.sched_getscheduler(0) == os.SCHED_OTHER:
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
