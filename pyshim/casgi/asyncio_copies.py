"""Whether asyncio was imported twice, and what it does about that: a line in the log.

Some tools take modules out of `sys.modules` so that the program imports them anew; `ddtrace-run`
does it where gevent is installed. The part of asyncio in C goes on with the exceptions of the first
import: what a cancelled task raises is not caught by `except asyncio.CancelledError`, in Channels,
in Django and in the application.
"""

import asyncio
import logging

logger = logging.getLogger("casgi.server")

_LINE = (
    "asyncio was imported twice: what catches asyncio.CancelledError does not catch what a "
    "cancelled task raises, in the application as in its libraries; ddtrace-run does this where "
    "gevent is installed: set DD_UNLOAD_MODULES_FROM_SITECUSTOMIZE=0"
)


def warn_of_copies() -> None:
    """Log a warning if the loop that runs raises another CancelledError than asyncio names."""
    cancelled = asyncio.get_running_loop().create_future()
    cancelled.cancel()
    try:
        cancelled.result()
    except asyncio.CancelledError:
        pass
    except BaseException:
        logger.warning(_LINE)
