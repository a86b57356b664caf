"""The hub of a process that has been told of none: so that a host may be a single process."""

from __future__ import annotations

import atexit
import os
import shutil
import threading

from casgi import _core
from casgi.channels.hosts import candidate
from casgi.hub.connection import connection_to
from casgi.hub.folders import SOCKET, make_folder

_making = threading.Lock()
_path: str | None = None


def own_hub_path() -> str:
    """Return where the hub of this process is, or of the one that it was forked from."""
    global _path
    with _making:
        if _path is None:
            folder = make_folder()
            hub = _core.Hub(os.path.join(folder, SOCKET))
            hub.start()
            atexit.register(_end, os.getpid(), hub, folder)
            _path = hub.path
    return _path


def _end(process: int, hub: _core.Hub, folder: str) -> None:
    if process == os.getpid():
        candidate.leave_all()
        connection_to(hub.path).close()
        hub.stop()
        shutil.rmtree(folder, ignore_errors=True)
