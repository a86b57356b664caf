"""Which process of a host is its link to Redis: the one that holds the lock of a file by the hub.

The kernel takes the lock from a process that dies. The file says what the host is called, how many
links it has had, and whether the last has left in good order: then it goes on until its successor
has taken over.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import uuid

_LEAVING = b"leaving"


class Lease:
    """The lock of one layer at one hub. Used by one thread at a time."""

    def __init__(self, path: str) -> None:
        """Take the path of the file, which is made if need be."""
        self._path = path
        self._lock: int | None = None
        self._queue: int | None = None
        self.host = b""
        """What the host is called: HOST_BYTES bytes that no other host has."""
        self.epoch = 0
        """How many links the host has had, this one included."""
        self.has_predecessor = False
        """Whether there was a link before."""
        self.predecessor_leaves = False
        """Whether it goes on until its successor has taken over."""

    def try_to_take(self) -> bool:
        """Take the lock if nobody has it, and stand in the queue otherwise. Raise OSError."""
        if self._lock is None:
            self._lock = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o660)
        if not _lock(self._lock, fcntl.LOCK_EX):
            if self._queue is None:
                self._queue = os.open(self._path + ".queue", os.O_RDWR | os.O_CREAT, 0o660)
                _lock(self._queue, fcntl.LOCK_SH)
            return False
        self._leave_queue()
        self._read(self._lock)
        return True

    def _read(self, lock: int) -> None:
        host, epoch, *rest = [*os.pread(lock, 64, 0).split(), b"", b""]
        self.has_predecessor = len(host) == 32 and epoch.isdigit()
        self.predecessor_leaves = self.has_predecessor and rest[0] == _LEAVING
        self.host = bytes.fromhex(host.decode()) if self.has_predecessor else uuid.uuid4().bytes
        self.epoch = int(epoch) + 1 if self.has_predecessor else 1
        self._write(lock, b"")

    def _write(self, lock: int, rest: bytes) -> None:
        os.ftruncate(lock, 0)
        os.pwrite(lock, b"%b %d %b" % (self.host.hex().encode(), self.epoch, rest), 0)

    def is_abandoned(self) -> bool:
        """Whether nobody has the lock, and nobody would take it."""
        return _is_free(self._path + ".queue") and _is_free(self._path)

    def hand_over(self) -> None:
        """Let the next one have it, who knows that this link goes on for the moment."""
        assert self._lock is not None
        self._write(self._lock, _LEAVING)
        self.close()

    def close(self) -> None:
        """Let the lock and the place in the queue go. Can be called again."""
        self._leave_queue()
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def _leave_queue(self) -> None:
        queue, self._queue = self._queue, None
        if queue is not None:
            os.close(queue)


def _is_free(path: str) -> bool:
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_RDWR)
        try:
            return _lock(descriptor, fcntl.LOCK_EX)
        finally:
            os.close(descriptor)
    return True


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
