"""Files of the logs, opened anew after a rotation has renamed them: for SIGUSR1."""

import logging
import logging.handlers
import os
from collections.abc import Iterator

from casgi.errors import CasgiError

logger = logging.getLogger("casgi.process")

_STDOUT = 1


class AccessLogFile:
    """The descriptor that the core writes the access log to. Closed by close().

    Attributes:
        descriptor: -1 for no log; it stays the same when the file is opened anew.

    """

    def __init__(self, path: str | None) -> None:
        """Open: None is no log, "-" is standard output. Raise CasgiError."""
        # The application may go to another folder.
        self._path = None if path in (None, "-") else os.path.abspath(str(path))
        self.descriptor = _STDOUT if path == "-" else -1
        if self._path is not None:
            try:
                self.descriptor = _open(self._path)
            except OSError as error:
                raise CasgiError(f"cannot write the access log {path}: {error.strerror}") from None

    def reopen(self) -> None:
        """Go on in the file that has the path now. Raise OSError, and stay with the old one."""
        if self._path is None or self.descriptor < 0:
            return
        opened = _open(self._path)
        os.dup2(opened, self.descriptor, inheritable=False)
        os.close(opened)

    def close(self) -> None:
        """Close, unless it is standard output. Can be called again."""
        if self._path is not None and self.descriptor >= 0:
            os.close(self.descriptor)
        self.descriptor = -1


def reopen_logging() -> None:
    """Let every handler of Python's logging that writes to a file open it anew."""
    for handler in _file_handlers():
        # Those that rotate by themselves, and that watch their file, are none of our business.
        if isinstance(handler, logging.handlers.WatchedFileHandler):
            continue
        handler.acquire()
        try:
            if handler.stream is not None:
                handler.stream.close()
                handler.stream = handler._open()
        finally:
            handler.release()


def _file_handlers() -> Iterator[logging.FileHandler]:
    named = logging.Logger.manager.loggerDict.values()
    found = {
        handler
        for each in [logging.root, *named]
        if isinstance(each, logging.Logger)
        for handler in each.handlers
    }
    return (handler for handler in found if isinstance(handler, logging.FileHandler))


def _open(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
