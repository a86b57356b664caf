"""What casgi stands in for of the libraries that an application uses, while a server runs.

A library is used when it has been imported. Whether casgi knows its code is looked at once for each
server; what is not known stays as it is, and the log says why.
"""

import asyncio
import logging
import sys
from collections.abc import Callable

from casgi.config import Config
from casgi.origin import forget_texts

# The lines are those of the server, whatever they are about.
logger = logging.getLogger("casgi.server")


class Accelerations:
    """Those of one server: begun as the libraries are imported, ended together."""

    def __init__(self, config: Config) -> None:
        """Take what says whether there shall be any."""
        self._config = config
        self._ends: dict[str, Callable[[], None]] = {}
        self._left_alone: set[str] = set()

    def begin(self) -> None:
        """Stand in for what has been imported by now: see casgi.channels and casgi.django."""
        for library, modules, begin in _LIBRARIES:
            has_decided = library in self._ends or library in self._left_alone
            if has_decided or modules.isdisjoint(sys.modules):
                continue
            end = begin(self._config)
            if end is None:
                self._left_alone.add(library)
            else:
                self._ends[library] = end
        forget_texts()

    def end(self) -> None:
        """Put back what was there, the last one first."""
        ends, self._ends = self._ends, {}
        self._left_alone.clear()
        for end in reversed(ends.values()):
            end()

    def leaves_alone(self, library: str) -> bool:
        """Return whether a library is used and stays as it is."""
        return library in self._left_alone


def _begin_channels(config: Config) -> Callable[[], None] | None:
    """Stand in for Channels; return what ends that, or None if it is left as it is."""
    from casgi.channels.acceleration import acceleration
    from casgi.channels.releases import unsupported_reason

    reason = unsupported_reason() if config.accelerate else "--no-accelerate"
    if reason is not None:
        logger.info("Channels as it is: %s", reason)
        return None
    loop = asyncio.get_running_loop()
    logger.info("%s", acceleration.begin(loop, verify=config.verify_shared))
    return acceleration.end


def _begin_django(config: Config) -> Callable[[], None] | None:
    """Stand in for parts of asgiref; return what ends that, or None."""
    from casgi.django.acceleration import acceleration, unsupported_reason

    reason = unsupported_reason() if config.accelerate else "--no-accelerate"
    if reason is not None:
        logger.info("Django as it is: %s", reason)
        if config.threads:
            logger.warning("--threads %d has no effect, since Django is as it is", config.threads)
        return None
    logger.info("%s", acceleration.begin(config.threads))
    for line in acceleration.reasons():
        logger.info("Django: %s", line)
    return acceleration.end


# By which imports it shows that the application uses them. Channels runs on Django's threads, and
# relies on them as they are when it is looked at: Django's come first.
_LIBRARIES = (
    ("django", {"django.core.handlers.asgi", "channels.consumer"}, _begin_django),
    ("channels", {"channels.consumer"}, _begin_channels),
)
