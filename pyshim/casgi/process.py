"""The process of the command: its event loop, and an end that no thread can put off."""

import asyncio
import logging
import os
import sys
import threading

from casgi.loop import new_event_loop
from casgi.server import Server

logger = logging.getLogger("casgi.process")

# Time for threads when applications have been given up already.
_SHORT_GRACE = 1.0


def run_process(server: Server, *, debug: bool | None = None) -> None:
    """Run a server until SIGINT or SIGTERM; raises what its start raises."""
    with asyncio.Runner(loop_factory=new_event_loop, debug=debug) as runner:
        runner.run(server.serve(handle_signals=True))
        # From here on Python waits for threads, and a sync view may never come back.
        _exit_within(_SHORT_GRACE if server.was_aborted else _grace(server))


def _grace(server: Server) -> float | None:
    timeout = server.config.application_close_timeout
    return None if timeout is None else max(timeout, _SHORT_GRACE)


def _exit_within(seconds: float | None) -> None:
    if seconds is None:
        return
    timer = threading.Timer(seconds, _exit_now)
    timer.daemon = True
    timer.start()


def _exit_now() -> None:
    stuck = [
        thread.name
        for thread in threading.enumerate()
        if not thread.daemon and thread is not threading.main_thread()
    ]
    logger.warning("Exiting without waiting for threads: %s", ", ".join(stuck) or "none known")
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(0)
