"""Libraries that put their own threads in the place of Python's: these run one at a time, in turns.

What waits in C, as an event loop of the core does, then stops all of them.
"""

import sys

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
