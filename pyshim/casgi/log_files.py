"""Files of the logs, opened anew after a rotation has renamed them: for SIGUSR1."""

import functools
import logging
import logging.handlers
import os
from collections.abc import Callable, Iterator

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


def reopen_logs(access_log: AccessLogFile | None = None) -> bool:
    """Open every log anew; say which cannot be, and return whether all were.

    Those go on in the files that they have.
    """
    reasons = []
    for reopen in (*(() if access_log is None else (access_log.reopen,)), *_reopenings()):
        try:
            reopen()
        except OSError as error:
            reasons.append(str(error))
    for reason in reasons:
        logger.error(
            "Cannot open the logs anew: %s: the old file is kept until SIGUSR1 comes again", reason
        )
    return not reasons


def _reopenings() -> Iterator[Callable[[], None]]:
    """Yield how every handler of Python's logging that writes to a file opens it anew."""
    for handler in _file_handlers():
        # Those that rotate by themselves, and that watch their file, are none of our business.
        if isinstance(handler, logging.handlers.WatchedFileHandler):
            continue
        yield functools.partial(_reopen, handler)


def _reopen(handler: logging.FileHandler) -> None:
    handler.acquire()
    try:
        if handler.stream is not None:
            # In this order: one that cannot be opened leaves the handler what it has.
            opened, before = handler._open(), handler.stream
            handler.stream = opened
            before.close()
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
