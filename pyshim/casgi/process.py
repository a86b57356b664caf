"""The process of the command: its event loop, and an end that no thread can put off."""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from casgi import _core
from casgi.errors import ConfigError
from casgi.forks import ending_forks
from casgi.loop import new_event_loop
from casgi.server import Server
from casgi.signals_at_start import STOP_SIGNALS, end_at_signal
from casgi.unfinished import log_waiting_for_exit, log_waiting_longer
from casgi.watchdog import exit_now

# Time for threads when applications have been given up already.
_SHORT_GRACE = 1.0
# What ends within it is not worth a line.
_AT_ONCE = 0.2
# Tasks that were cancelled, and Python's own end, are over by then.
_SOON = 2.0
_STANDARD_DESCRIPTORS = (0, 1, 2)


def run_process(
    server: Server,
    *,
    debug: bool | None = None,
    teardown: Callable[[], object] | None = None,
) -> int:
    """Run a server until SIGINT or SIGTERM; raises what its start raises. Return the exit code.

    `teardown` is called after it, and has the time that it takes.
    """
    open_standard_descriptors()
    _core.make_room_for_signals()
    with asyncio.Runner(loop_factory=new_process_loop, debug=debug) as runner, ending_forks():
        try:
            runner.run(server.serve(handle_signals=True))
        finally:
            if teardown is not None:
                teardown()
        for number in STOP_SIGNALS:
            end_at_signal(number)
        # From here on Python waits for tasks and threads, and a sync view may never come back.
        seconds = _SHORT_GRACE if server.was_aborted else server.seconds_left(_SHORT_GRACE)
        loop = runner.get_loop()
        _in_background(_AT_ONCE, log_waiting_for_exit, seconds)
        left = None if seconds is None else seconds - _SOON
        _in_background(_SOON, log_waiting_longer, left, loop)
        exit_within(seconds, server.exit_code, loop)
    return server.exit_code


def new_process_loop() -> asyncio.AbstractEventLoop:
    """Return a loop whose default executor has as many threads as daphne's variable says."""
    variable = os.environ.get("ASGI_THREADS")
    threads = None
    if variable is not None:
        if not variable.strip().isdecimal() or int(variable) == 0:
            raise ConfigError(f"ASGI_THREADS must be a whole number from 1, not {variable!r}")
        threads = ThreadPoolExecutor(int(variable), thread_name_prefix="asyncio")
    loop = new_event_loop()
    if threads is not None:
        loop.set_default_executor(threads)
    return loop


def open_standard_descriptors() -> None:
    """Open those that who started the process has closed: else a socket would be standard output.

    The access log would go to it, and libuv ends a process that closes such a socket.
    """
    for standard in _STANDARD_DESCRIPTORS:
        try:
            os.fstat(standard)
        except OSError:
            # The system gives out the lowest that is free.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def exit_within(
    seconds: float | None, code: int = 0, loop: asyncio.AbstractEventLoop | None = None
) -> None:
    """End the process after so many seconds if threads, or tasks of a loop, keep it from ending."""
    if seconds is None:
        return
    _in_background(seconds, exit_now, loop, code)


def _in_background(seconds: float, function: Callable[..., None], *arguments: Any) -> None:
    """Call a function on a thread of its own, if the process is still there by then."""
    timer = threading.Timer(seconds, function, arguments)
    timer.daemon = True
    timer.start()
