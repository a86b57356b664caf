"""An application with a child that lives on, forked when FORK says, and with nothing to say."""

import os
import time

from kept import say, tell_process


def fork():
    pid = os.fork()
    if pid == 0:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(nowhere, number)
        time.sleep(1000)
        os._exit(0)
    say(f"forked {pid}")


if os.environ["FORK"] == "import":
    fork()


async def application(scope, receive, send):
    if scope.get("path") == "/" and os.environ["FORK"] == "request":
        fork()
    await tell_process(scope, receive, send)
