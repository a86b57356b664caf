"""All worker processes of a supervisor, and what they share: sockets and the scoreboard."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

from casgi.config import Config
from casgi.sockets import BoundSocket, listen_error, log_addresses
from casgi.supervisor.children import Children
from casgi.supervisor.handover import Handover, InheritedSocket
from casgi.supervisor.inheritance import (
    Inheritance,
    inherit_tickets,
    leave_socket,
    leave_tickets,
)
from casgi.supervisor.recycling import Limits
from casgi.supervisor.slots import Slots
from casgi.supervisor.socket_pairs import SocketPairs
from casgi.supervisor.worker import Worker, spawn
from casgi.tls import TicketSecret

logger = logging.getLogger("casgi.supervisor")


class Workers:
    """Those that start, serve and end. Closed by close().

    Attributes:
        seats: how many seats there can be.
        slots: the scoreboard.
        restarts: how many have ended unasked.
        on_leaving: called with a worker that ends by itself, and wants a successor.
        on_end: called with a worker that has ended.

    """

    def __init__(
        self,
        sockets: list[BoundSocket],
        seats: int,
        children: Children,
        config: Config,
        left: Inheritance | None = None,
    ) -> None:
        """Borrow the sockets; go on with what another supervisor has left."""
        self._config = config
        self.slots = Slots(left.scoreboard if left else None)
        self.on_leaving: Callable[[Worker], None] = lambda worker: None
        self.on_end: Callable[[Worker], None] = lambda worker: None
        self._sockets = sockets
        self._tickets = inherit_tickets(left.tickets) if left else TicketSecret.new()
        self._children = children
        self._socket_pairs = SocketPairs(seats, left.socket_pairs if left else ())
        self.seats = len(self._socket_pairs)
        self._there: set[Worker] = set()
        self._is_listening = left is not None
        self.restarts = left.restarts if left else 0

    def __iter__(self) -> Iterator[Worker]:
        return iter(list(self._there))

    @property
    def is_listening(self) -> bool:
        """Whether a worker has been ready to serve."""
        return self._is_listening

    def is_serving(self) -> bool:
        """Whether a worker serves."""
        return any(map(self._serves, self._there))

    async def start(self, seat: int) -> Worker:
        """Start a process for a seat, and return it before it is ready. Raise OSError."""
        slot = self.slots.take()
        handover = Handover(
            seat,
            slot,
            tuple(InheritedSocket.of(bound) for bound in self._sockets),
            self._tickets,
            self.slots.scoreboard.fileno(),
            self._socket_pairs.receiving(seat),
            self._socket_pairs.sending(),
        )
        try:
            pid, end = spawn(handover)
        except OSError:
            self.slots.give_back(slot)
            raise
        limits = Limits.of(self._config)
        worker = Worker(seat, slot, pid, self._children.end_of(pid), limits)
        self._add(worker)
        await worker.connect(end, lambda leaving: self.on_leaving(leaving))
        return worker

    async def inherit(self, left: list[dict[str, Any]]) -> list[Worker]:
        """Return those that another supervisor has started, in the same order."""
        # All before the first wait: who ends meanwhile is known by then.
        ends = [self._children.end_of(each["pid"]) for each in left]
        workers = []
        for each, end in zip(left, ends, strict=True):
            slot, limits = self.slots.keep(each["slot"]), Limits.of(self._config)
            worker = await Worker.inherit(
                each, slot, end, limits, lambda leaving: self.on_leaving(leaving)
            )
            self._add(worker)
            workers.append(worker)
        self._children.reap()
        return workers

    def leave(self, current: set[Worker | None]) -> dict[str, Any]:
        """Write down what they share, and who there is: a part of an Inheritance.

        `current` are those that have their seats.
        """
        there = [worker for worker in self._there if not worker.ended.done()]
        return {
            "sockets": [leave_socket(bound) for bound in self._sockets],
            "tickets": leave_tickets(self._tickets),
            "socket_pairs": self._socket_pairs.leave(),
            "scoreboard": self.slots.leave([worker.slot for worker in there]),
            "workers": [worker.leave_behind(is_current=worker in current) for worker in there],
            "restarts": self.restarts,
        }

    def listen(self) -> None:
        """Listen, once; a socket that was passed to us may do so already. Raise BindError."""
        if self._is_listening:
            return
        self._is_listening = True
        for bound in self._sockets:
            try:
                bound.listen()
            except OSError as error:
                raise listen_error(bound, error) from None
        log_addresses(self._sockets)

    def share_out(self) -> None:
        """Pass on the connections that wait for seats without a worker.

        They were passed to one that has been killed, or has just left; the next may be long in
        coming.
        """
        waiting = self._socket_pairs.full()
        serving = [worker for worker in self._there if self._serves(worker)] if waiting else []
        if serving:
            seats = [worker.seat for worker in serving]
            for seat in waiting.difference(seats):
                if self._socket_pairs.share_out(seat, seats):
                    self.slots.scoreboard.forget_passed(seat)  # which only its worker counts down

    def _serves(self, worker: Worker) -> bool:
        return not worker.ended.done() and self.slots.condition(worker.slot).is_serving

    def close(self) -> None:
        """Close what they share."""
        self._socket_pairs.close()

    def _add(self, worker: Worker) -> None:
        self._there.add(worker)
        worker.ended.add_done_callback(lambda _: self._on_end(worker))

    def _on_end(self, worker: Worker) -> None:
        self._there.discard(worker)
        worker.close()
        self.slots.give_back(worker.slot)
        if not worker.is_expected_to_end:
            self.restarts += 1
        if worker.ended.result() < 0:
            self.share_out()
            # It may have counted what it has not sent, or not counted what it has received.
            for seat in self._socket_pairs.empty():
                self.slots.scoreboard.forget_passed(seat)
        self.on_end(worker)
