"""Libraries that put their own threads in the place of Python's: these run one at a time, in turns.

What waits in C, as an event loop of the core does, then stops all of them.
"""

import logging
import sys

logger = logging.getLogger("casgi.server")

_QUEUES = (
    "gevent has replaced the queues that Python's threads wait at: a thread of an executor ends"
    " with LoopExit there, and no sync view or asyncio.to_thread() comes back, on any server: give"
    " monkey.patch_all() queue=False, or leave it out"
)
_LIBRARIES = (
    ("gevent", "gevent.monkey", "is_module_patched", "threading"),
    ("eventlet", "eventlet.patcher", "is_monkey_patched", "thread"),
)


def green_library() -> str | None:
    """Return the name of the one that has done so in this process."""
    for library, module_name, question, name in _LIBRARIES:
        module = sys.modules.get(module_name)
        if module is not None and getattr(module, question)(name):
            return library
    return None


def warn_of_green_queues() -> None:
    """Log a warning where threads are Python's own, and their queues are not."""
    gevent = sys.modules.get("gevent.monkey")
    if gevent is not None and green_library() is None and gevent.is_module_patched("queue"):
        logger.warning(_QUEUES)
