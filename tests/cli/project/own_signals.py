"""An application that has a use of its own for SIGUSR1, as debugging aids do."""

import asyncio
import atexit
import faulthandler
import os
import signal
import threading

from served import hello, say

if "PYTHON_HANDLER" in os.environ:
    signal.signal(signal.SIGUSR1, lambda number, frame: say("own handler"))
if "C_HANDLER" in os.environ:
    faulthandler.register(signal.SIGUSR1)
if "IGNORED" in os.environ:
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
if "BLOCKED_EXIT" in os.environ:

    def wait_for_ever() -> None:
        threading.Event().wait()

    atexit.register(wait_for_ever)
if "AT_EXIT" in os.environ:
    atexit.register(os.kill, os.getpid(), signal.SIGUSR1)

application = hello


async def taking_sigterm(scope, receive, send):
    """Have a handler of its own for the signal that stops a server, as some programs do."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, say, "own SIGTERM")
    await hello(scope, receive, send)
