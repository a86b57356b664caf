"""Children that an application forks: they share the server's sockets, epoll and signals.

A child that leaves the event loop, by sys.exit() in a view, must not end what it does not own: to
close asyncio's loop would take the parent's descriptors out of the epoll that both have, and the
application's shutdown would say goodbye on the parent's connections. So it ends right there.
"""

import contextlib
import os
import sys
import traceback
from collections.abc import Iterable, Iterator
from typing import Protocol
from weakref import WeakSet


@contextlib.contextmanager
def ending_forks() -> Iterator[None]:
    """Put around the run of an event loop: a forked child does not come out of it."""
    process = os.getpid()
    try:
        yield
    except BaseException as end:
        if os.getpid() != process:
            _end_child(end)
        raise


class OfOneProcess(Protocol):
    """What a forked child shares with its parent, and may not touch."""

    def leave_to_parent(self) -> None:
        """In the child: let nothing that it does reach it."""


_left_to_parent: WeakSet[OfOneProcess] = WeakSet()


def leave_to_parent_after_fork(what: OfOneProcess) -> None:
    """Let a forked child reach nothing of it."""
    _left_to_parent.add(what)


def _leave_to_parent() -> None:
    for what in list(_left_to_parent):
        what.leave_to_parent()


os.register_at_fork(after_in_child=_leave_to_parent)


class Descriptors:
    """Descriptors of a process's own: a forked child that lives on must not keep a port in use.

    Left alone is a number that is another file's by then.
    """

    def __init__(self, numbers: Iterable[int]) -> None:
        """Leave them to this process, for as long as this object lives."""
        self._files = {number: _file_of(number) for number in numbers}
        leave_to_parent_after_fork(self)

    def leave_to_parent(self) -> None:
        """Have them lead nowhere."""
        nowhere = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        for number, file in self._files.items():
            with contextlib.suppress(OSError):
                if _file_of(number) == file:
                    os.dup2(nowhere, number, inheritable=False)
        os.close(nowhere)


def _file_of(number: int) -> tuple[int, int]:
    status = os.fstat(number)
    return status.st_dev, status.st_ino


_inherited: list[Descriptors] = []


def leave_inherited_to_parent(numbers: Iterable[int]) -> None:
    """Have no forked child share what this process was started with."""
    _inherited.append(Descriptors(numbers))


def _end_child(end: BaseException) -> None:
    """Exit as the interpreter would, but for what it would clean up."""
    code = 1
    if isinstance(end, SystemExit):
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    else:
        traceback.print_exception(end)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
    os._exit(code & 0xFF)
