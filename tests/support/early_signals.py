"""Signals that come while the command starts, at a moment that is always the same."""

import signal
import sys

_SCRIPT = """\
import os, runpy, sys

class Sender:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), {number})

if not os.environ.keys() & {{"CASGI_WORKER", "CASGI_UPGRADE", "CASGI_RELOADED"}}:
    sys.meta_path.insert(0, Sender())
sys.argv = ["casgi", *sys.argv[4:]]
runpy.run_module("casgi", run_name="__main__")
"""


def sent_at_import(number: signal.Signals, module: str) -> tuple[str, ...]:
    """Return the prefix of a command that sends itself a signal before it imports a module.

    The processes that it starts, and the program that takes its place, send none.
    """
    return sys.executable, "-c", _SCRIPT.format(number=int(number), module=module)
