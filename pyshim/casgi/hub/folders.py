"""Folders of hubs that were asked for by nobody: "casgi-PID-..." among the temporary files.

A process that is killed leaves its folder behind, and the next one that makes one removes it: not
at once, since processes of other containers, whose PIDs mean nothing here, may share the files.
"""

import contextlib
import os
import re
import shutil
import socket
import tempfile
import time
from pathlib import Path

SOCKET = "hub"

# Seconds in which a folder's hub has certainly been started, or never will be.
_START_SECONDS = 60

_NAME = re.compile(r"casgi-(\d+)-\w+")


def make_folder() -> str:
    """Return a new folder that only this user may enter; remove those that nobody has any more."""
    for folder in Path(tempfile.gettempdir()).glob("casgi-*-*"):
        with contextlib.suppress(OSError):
            if _is_left_behind(folder):
                shutil.rmtree(folder, ignore_errors=True)
    return tempfile.mkdtemp(prefix=f"casgi-{os.getpid()}-")


def _is_left_behind(folder: Path) -> bool:
    """Return whether its process has gone, and nobody answers there, who may see other PIDs."""
    name = _NAME.fullmatch(folder.name)
    if name is None or folder.is_symlink():
        return False
    status = folder.lstat()
    if status.st_uid != os.getuid() or time.time() - status.st_mtime < _START_SECONDS:
        return False
    return not (_is_there(int(name[1])) or is_answered(folder / SOCKET))


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def is_answered(path: str | Path) -> bool:
    """Return whether somebody listens at a path, though this process may not be let in."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True
    return True
