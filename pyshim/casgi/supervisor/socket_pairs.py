"""Where workers pass connections to each other: for each seat a pair of sockets.

Every worker has all sending ends and the receiving end of its own seat. The supervisor has both
ends of each, so that what was passed to a worker that dies can be passed on, or waits.
"""

import array
import contextlib
import itertools
import select
import socket
from collections.abc import Collection, Iterable

_NUMBER_SIZE = 16
"""More than enough for the number that comes with a descriptor."""
_PART_SIZE = socket.CMSG_LEN(array.array("i").itemsize)
"""Of the part of a message that has one descriptor."""


class SocketPairs:
    """The pairs of all seats there can be. Closed by close()."""

    def __init__(self, count: int, left: Iterable[tuple[int, int]] = ()) -> None:
        """Make so many pairs, or as many more than those that were left."""
        pairs = [(socket.socket(fileno=one), socket.socket(fileno=two)) for one, two in left]
        while len(pairs) < count:
            pairs.append(socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        self._receiving = [pair[0] for pair in pairs]
        self._sending = [pair[1] for pair in pairs]

    def leave(self) -> list[tuple[int, int]]:
        """Write the descriptors down."""
        pairs = zip(self._receiving, self._sending, strict=True)
        return [(receiving.fileno(), sending.fileno()) for receiving, sending in pairs]

    def __len__(self) -> int:
        return len(self._receiving)

    def receiving(self, seat: int) -> int:
        """Return the descriptor that the worker of a seat receives on."""
        return self._receiving[seat].fileno()

    def sending(self) -> tuple[int, ...]:
        """Return for each seat the descriptor that is sent on."""
        return tuple(each.fileno() for each in self._sending)

    def empty(self) -> list[int]:
        """Return the seats to which nothing is on its way."""
        poll = select.poll()
        for each in self._receiving:
            poll.register(each, select.POLLIN)
        full = {descriptor for descriptor, _ in poll.poll(0)}
        return [i for i, each in enumerate(self._receiving) if each.fileno() not in full]

    def full(self) -> set[int]:
        """Return the seats to which something is on its way."""
        return set(range(len(self))).difference(self.empty())

    def share_out(self, seat: int, to: Collection[int]) -> bool:
        """Pass on what waits for a seat that nobody has, by turns to these; return whether all.

        What none of them has room for goes on waiting.
        """
        turns = itertools.cycle(to)
        while (passed := self._receive(seat)) is not None:
            number, descriptors = passed
            try:
                others = itertools.islice(turns, len(to))
                if not any(self._send(other, number, descriptors) for other in others):
                    self._send(seat, number, descriptors)
                    return False
            finally:
                for each in descriptors:
                    socket.close(each)
        return True

    # Not by send_fds() and recv_fds(), which take flags and do not heed them: these sockets block.

    def _receive(self, seat: int) -> "tuple[bytes, array.array[int]] | None":
        """Return what was sent first, and its descriptors; None when there is nothing.

        A worker that leaves, or one that starts, may just have taken what was there.
        """
        flags = socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC
        try:
            number, parts, _, _ = self._receiving[seat].recvmsg(_NUMBER_SIZE, _PART_SIZE, flags)
        except BlockingIOError:
            return None
        descriptors = array.array("i")
        for _, _, data in parts:
            descriptors.frombytes(data)
        return number, descriptors

    def _send(self, seat: int, number: bytes, descriptors: "array.array[int]") -> bool:
        """Send if there is room, and nothing else is against it."""
        part = (socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)
        with contextlib.suppress(OSError):
            self._sending[seat].sendmsg([number], [part], socket.MSG_DONTWAIT)
            return True
        return False

    def close(self) -> None:
        """Close all ends that are ours."""
        for each in (*self._receiving, *self._sending):
            each.close()
