"""`python -m bench.run_gunicorn …`: gunicorn with its one worker in this very process.

callgrind_control does not find processes that valgrind has forked.
"""

import os

from gunicorn.app.wsgiapp import run


def _fork() -> int:
    os.getppid = os.getpid  # at which the worker looks whether its master is still there
    return 0


if __name__ == "__main__":
    os.fork = _fork
    run()
