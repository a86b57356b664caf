"""An application that has a use of its own for SIGUSR1, as debugging aids do."""

import atexit
import faulthandler
import os
import signal

from served import hello, say

if "PYTHON_HANDLER" in os.environ:
    signal.signal(signal.SIGUSR1, lambda number, frame: say("own handler"))
if "C_HANDLER" in os.environ:
    faulthandler.register(signal.SIGUSR1)
if "IGNORED" in os.environ:
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
if "AT_EXIT" in os.environ:
    atexit.register(os.kill, os.getpid(), signal.SIGUSR1)

application = hello
