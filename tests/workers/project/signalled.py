"""An application that tells, while it is imported, what signals are to it and to its children."""

import atexit
import faulthandler
import os
import signal
import subprocess
from pathlib import Path

from kept import say, tell_process

status = subprocess.run(["cat", "/proc/self/status"], capture_output=True, text=True, check=True)
for line in status.stdout.splitlines():
    if line.startswith(("SigBlk", "SigIgn")):
        say(f"child {line}")
forked = os.fork()
if forked == 0:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("SigCgt"):
            say(f"forked {line}")
    os._exit(0)
os.waitpid(forked, 0)

for number in os.environ.get("AT_EXIT", "").split():
    atexit.register(os.kill, os.getpid(), int(number))
if "PYTHON_HANDLER" in os.environ:
    signal.signal(signal.SIGUSR1, lambda number, frame: say("own handler"))
if "PASSED_OVER" in os.environ:
    for left in (signal.SIGHUP, signal.SIGINT):
        signal.signal(left, lambda number, frame: say(f"own handler of {number}"))
if "C_HANDLER" in os.environ:
    faulthandler.register(signal.SIGUSR1)
if "IGNORED" in os.environ:
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)


class Late:
    """Comes to its end when Python has given the signals their defaults back."""

    numbers = [int(number) for number in os.environ.get("AT_EXIT", "").split()]

    def __del__(self, send=signal.raise_signal):
        for number in self.numbers:
            send(number)


late = Late()

application = tell_process
