"""One partition of the topics, as the link of a host has it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

# Messages that are taken out of the hub before Redis has those before them.
WINDOW = 16
# Seconds for which messages wait, after an outage, for the other hosts to be back.
_RETURN_SECONDS = 10.0
# Hosts whose last message is remembered.
_HOSTS = 256


@dataclass(eq=False, slots=True)
class Partition:
    """What has come of the hub for it, and who hears it.

    Attributes:
        number: of it.
        channel: of Redis.
        key: the hub's channel with what is to be sent.
        outgoing: what has come out of there.
        sent: how many messages this link has sent.
        asked: how many more messages the hub was asked for.
        is_up: Redis has confirmed the subscription.
        is_passed_on: what arrives goes to the hub of this host; else another link sees to it.
        mark: what to send before anything else; see wire.MARK.
        owes_gap: the other hosts have to hear that messages to them may have been lost.
        hearers: the links that were subscribed when all was well.
        has_lost_hearers: some have left since, who may be at another server already.

    """

    number: int
    channel: bytes
    key: bytes
    outgoing: deque[bytes] = field(default_factory=deque)
    sent: int = 0
    asked: int = 0
    is_up: bool = False
    is_passed_on: bool = True
    mark: bytes | None = None
    owes_gap: bool = False
    hearers: int = 1
    has_lost_hearers: bool = False
    _waits_until: float | None = None
    _last: dict[bytes, bytes] = field(default_factory=dict)

    def come_up(self, now: float) -> None:
        """Notice that Redis has confirmed the subscription."""
        self.is_up = True
        self._waits_until = now + _RETURN_SECONDS if self.hearers > 1 else None

    def go_down(self) -> None:
        """Notice that the server is away, or left for another."""
        self.is_up = False
        # A master that is replaced takes messages until it is told, also for those who have gone.
        self.owes_gap |= self.has_lost_hearers
        self.has_lost_hearers = False

    @property
    def is_held_back(self) -> bool:
        """Whether messages wait for other hosts, which would miss them."""
        return self._waits_until is not None

    def count(self, hearers: int, now: float) -> None:
        """Note how many links are subscribed."""
        if self._waits_until is not None and hearers < self.hearers and now < self._waits_until:
            return
        self.has_lost_hearers |= self._waits_until is None and hearers < self.hearers
        self._waits_until = None
        self.hearers = hearers

    def is_next(self, host: bytes, stamp: bytes) -> bool:
        """Note a message that has arrived; return whether it comes behind the host's last.

        A server of a Cluster that was held up passes on, when it goes on, what it had been sent:
        the others have had what came later, and were told of a gap.
        """
        last = self._last.pop(host, b"")
        self._last[host] = max(last, stamp)
        if len(self._last) > _HOSTS:
            del self._last[next(iter(self._last))]
        return stamp > last

    def wanted(self) -> int:
        """Return how many messages to ask the hub for."""
        return max(0, WINDOW - len(self.outgoing) - self.asked) if self.is_up else 0
