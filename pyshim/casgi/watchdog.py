"""A thread beside the event loop that sees what the loop cannot: that it does not turn.

It looks twice a second and costs a request nothing. Code that holds the loop up is written to the
log once, by its lines. A stop that was asked for is brought to its end, whatever the loop does.
"""

import asyncio
import logging
import os
import selectors
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

from casgi.signals import StopSignals
from casgi.unfinished import format_frames, log_left, thread_frames

logger = logging.getLogger("casgi.process")

_INTERVAL = 0.5
_BLOCKED_AFTER = 1.0
# What an ordinary stop may take beyond its time: cancelled tasks, the lifespan, the last lines.
_LAST_STEPS = 4.0
# For the log; a machine that is busy holds a process up for a second or two.
_TIME_TO_SAY = 4.0
# Whose frames are no application's, and the functions under which an application's are: that of
# asyncio's loops, and what calls a loop without Python frames (uvloop).
_MACHINERY = (os.path.dirname(asyncio.__file__), selectors.__file__, os.path.dirname(__file__))
_TURNING = ("_run_once", "run")
_BLOCKED_STATUS = 1


class Watchdog:
    """Watches the running loop while entered, and until the process ends when a stop is asked for.

    Args:
        signals: those that ask for a stop; None when nobody asks by signal.
        close_timeout: seconds for a stop, None for as long as it takes.
        connections: returns how many there are, on any thread; None before it is listened, when
            nobody waits for what holds up the loop.

    """

    def __init__(
        self,
        signals: StopSignals | None = None,
        close_timeout: float | None = None,
        connections: Callable[[], int | None] = lambda: 0,
    ) -> None:
        """Take the running loop."""
        self._connections = connections
        self._signals = signals
        self._close_timeout = close_timeout
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._asked_at: float | None = None
        self._is_reported = False
        self._told_of: set[int] = set()
        self._ended = threading.Event()

    def __enter__(self) -> "Watchdog":
        threading.Thread(target=self._watch, name="casgi watchdog", daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()

    def _watch(self) -> None:
        # A signal that came to this thread would not interrupt what holds up the main one.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while not self._ended.wait(_INTERVAL):
            now = time.monotonic()
            self._look_at_loop(now)
            self._look_at_signals()
            if self._is_overdue(now):
                self._end()

    def _look_at_loop(self, now: float) -> None:
        if self._asked_at is None:
            self._asked_at = now
            try:
                self._loop.call_soon_threadsafe(self._answer)
            except RuntimeError:  # It is closed.
                self._ended.set()
        elif now - self._asked_at > _BLOCKED_AFTER and not self._is_reported:
            self._report(now - self._asked_at)

    def _look_at_signals(self) -> None:
        taken = [] if self._signals is None else self._signals.taken()
        for number in taken:
            if number not in self._told_of:
                self._told_of.add(number)
                logger.warning(
                    "%s does not stop the server any more: the application has a handler of its"
                    " own for it, or ignores it; a lifespan is told of the stop, without one",
                    number.name,
                )

    def _answer(self) -> None:
        if self._is_reported and self._asked_at is not None:
            seconds = time.monotonic() - self._asked_at
            logger.warning("The event loop goes on, after %.1f s", seconds)
        self._asked_at, self._is_reported = None, False

    def _report(self, seconds: float) -> None:
        connections = self._connections()
        frames = application_frames(thread_frames(self._thread))
        if not frames or connections is None:
            return
        self._is_reported = True
        logger.warning(
            "The event loop has been blocked for %.1f s, and %d connections wait:"
            " await what waits, and give what computes to a thread. It is at\n%s",
            seconds,
            connections,
            format_frames(frames),
        )

    def _is_overdue(self, now: float) -> bool:
        if self._signals is None or self._signals.first_at is None:
            return False
        if self._signals.second_at is not None and now - self._signals.second_at > _LAST_STEPS:
            return True
        timeout = self._close_timeout
        return timeout is not None and now - self._signals.first_at > timeout + _LAST_STEPS

    def _end(self) -> None:
        """End a process that does not end by itself."""
        frames = application_frames(thread_frames(self._thread))
        if frames:
            logger.error("Exiting, though the event loop is at\n%s", format_frames(frames))
        # Its tasks were not asked to end, where the loop does not turn.
        exit_now(None if frames else self._loop, _BLOCKED_STATUS)


def application_frames(frames: list[FrameType]) -> list[FrameType]:
    """Return those from the application's first on; none when the loop only waits."""
    names = [frame.f_code.co_name if _is_machinery(frame) else "" for frame in frames]
    turning = next((name for name in _TURNING if name in names), None)
    if turning is None:
        return []
    place = names.index(turning) + 1
    while place < len(frames) and names[place]:
        place += 1
    return frames[place:]


def _is_machinery(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_MACHINERY)


def exit_now(loop: asyncio.AbstractEventLoop | None, code: int) -> None:
    """Say what keeps the process, and end it."""
    # Whoever holds the log's lock, or does not read what is written, must not keep it either.
    saying = threading.Thread(target=_say_what_is_left, args=[loop], daemon=True)
    saying.start()
    saying.join(_TIME_TO_SAY)
    os._exit(code)


def _say_what_is_left(loop: asyncio.AbstractEventLoop | None) -> None:
    log_left(loop)
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
