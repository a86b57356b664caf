"""The process of the command: its event loop, and an end that no thread can put off."""

import asyncio
import logging
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from casgi.errors import ConfigError
from casgi.loop import new_event_loop
from casgi.server import Server
from casgi.unfinished import thread_stack

logger = logging.getLogger("casgi.process")

# Time for threads when applications have been given up already.
_SHORT_GRACE = 1.0
_STANDARD_DESCRIPTORS = (0, 1, 2)


def run_process(server: Server, *, debug: bool | None = None) -> None:
    """Run a server until SIGINT or SIGTERM; raises what its start raises."""
    _open_standard_descriptors()
    with asyncio.Runner(loop_factory=new_process_loop, debug=debug) as runner:
        runner.run(server.serve(handle_signals=True))
        # From here on Python waits for threads, and a sync view may never come back.
        exit_within(_SHORT_GRACE if server.was_aborted else _grace(server))


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


def _open_standard_descriptors() -> None:
    """Open those that who started the process has closed: else a socket would be standard output.

    The access log would go to it, and libuv ends a process that closes such a socket.
    """
    for standard in _STANDARD_DESCRIPTORS:
        try:
            os.fstat(standard)
        except OSError:
            # The system gives out the lowest that is free.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def _grace(server: Server) -> float | None:
    timeout = server.config.application_close_timeout
    return None if timeout is None else max(timeout, _SHORT_GRACE)


def exit_within(seconds: float | None, code: int = 0) -> None:
    """End the process after so many seconds if threads keep it from ending by itself."""
    if seconds is None:
        return
    timer = threading.Timer(seconds, _exit_now, [code])
    timer.daemon = True
    timer.start()


def _exit_now(code: int) -> None:
    stuck = [
        thread
        for thread in threading.enumerate()
        if not thread.daemon and thread is not threading.main_thread()
    ]
    names = ", ".join(thread.name for thread in stuck) or "none known"
    logger.warning("Exiting without waiting for threads: %s", names)
    for thread in stuck:
        logger.warning("Thread %s is at\n%s", thread.name, thread_stack(thread))
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(code)
