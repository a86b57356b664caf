"""Presence: who is in a group, of the connections of this process.

A `Presence` knows people (a key of the application's choice, such as a user's id), in the groups
that they have entered, with as many connections as they have. `Stay` is the other side: where one
connection is present. It ends with its consumer, which casgi's dispatch reports by `end_stay()`; on
another server by `leave()`, or at the latest when the consumer is freed.
"""

import asyncio
import contextlib
import logging
import weakref
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

logger = logging.getLogger("casgi.channels")

Who: TypeAlias = str | int

# Where a consumer keeps its Stay.
_ATTRIBUTE = "_casgi_stay"


@dataclass(eq=False)
class _Person:
    """Somebody in one group, until the last of the connections has been away for the linger."""

    info: dict[str, Any] | None = None
    connections: int = 0
    layer: Any = None
    absence: asyncio.TimerHandle | None = None


@dataclass(eq=False)
class Stay:
    """Where the connection of one consumer is present."""

    places: dict[tuple["Presence", str], tuple[Who, _Person]] = field(default_factory=dict)

    def end(self) -> None:
        """Leave everywhere."""
        for presence, group in list(self.places):
            presence._leave(self, group, presence.linger)


class Presence:
    """Who is here, by group.

    Counts the consumers of this process only: with several processes, each has its own people.
    `enter()` and `leave()` belong to one event loop, that of the consumers (sync consumers call
    them by `async_to_sync()`); `here()`, `count()` and `info()` may be called in any thread. Once
    that loop is closed nobody is here.
    """

    def __init__(self, linger: float = 5.0, *, announce: bool = False) -> None:
        """Begin with nobody.

        Args:
            linger: seconds that somebody stays here without a connection, as in a reload.
            announce: send `presence.joined` to the group when somebody comes, and `presence.left`
                when somebody has gone and the linger is over. All consumers in the group then need
                the handlers `presence_joined` and `presence_left`.

        """
        if linger < 0:
            raise ValueError(f"linger must not be below 0: {linger}")
        self.linger = linger
        self.announces = announce
        self._loop: asyncio.AbstractEventLoop | None = None
        self._groups: dict[str, dict[Who, _Person]] = {}
        # The last announcement under way to each group: the next waits for it.
        self._announcements: dict[str, asyncio.Task[None]] = {}

    async def enter(
        self, consumer: Any, group: str, who: Who, info: dict[str, Any] | None = None
    ) -> None:
        """Make somebody present by this consumer's connection, until it leaves or ends.

        Entered again with another `who`, the connection leaves as the one and enters as the other.

        Args:
            consumer: the consumer that calls.
            group: any text; announcements go to the group of this name.
            who: the person, the same for all connections of one.
            info: what else others should know; the last one given counts.

        """
        if not isinstance(who, str | int):
            raise TypeError(f"who must be a str or an int, not {type(who).__name__}")
        if self.announces and getattr(consumer, "channel_layer", None) is None:
            raise RuntimeError("announcements need a channel layer, and this consumer has none")
        loop = self._begin()
        stay = _stay_of(consumer, loop)
        before = stay.places.get((self, group))
        if before is not None and before[0] == who:
            before[1].info = before[1].info if info is None else info
            return
        if before is not None:
            self._leave(stay, group, self.linger)
        announcement = self._arrive(stay, group, who, info, consumer)
        if announcement is not None:
            # What this consumer sends next comes after it; cancelled, it is sent all the same.
            await asyncio.shield(announcement)

    async def leave(self, consumer: Any, group: str, *, at_once: bool = False) -> None:
        """End what this consumer has entered; nothing when it is not in the group.

        Args:
            consumer: the consumer that calls.
            group: what was given to `enter()`.
            at_once: do not linger, as for somebody who leaves by intent.

        """
        stay = consumer.__dict__.get(_ATTRIBUTE)
        if stay is not None:
            self._leave(stay, group, 0 if at_once else self.linger)

    def here(self, group: str) -> list[Who]:
        """Return who is in a group, in the order of their arrival, each once."""
        return list(self._people(group))

    def count(self, group: str) -> int:
        """Return how many are in a group, in the same time for any number."""
        return len(self._people(group))

    def info(self, group: str, who: Who) -> dict[str, Any] | None:
        """Return what was said of somebody who is in the group; None when nothing was."""
        person = self._people(group).get(who)
        return None if person is None else person.info

    def _people(self, group: str) -> dict[Who, _Person]:
        if self._loop is None or self._loop.is_closed():
            return {}
        return self._groups.get(group, {})

    def _begin(self) -> asyncio.AbstractEventLoop:
        """Return the running loop, with nobody of a loop that is closed."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            is_closed = self._loop is None or self._loop.is_closed()
            if self._groups and not is_closed:
                raise RuntimeError("this Presence is in use on another event loop")
            self._loop = loop
            self._groups = {}
            self._announcements = {}
        return loop

    def _arrive(
        self, stay: Stay, group: str, who: Who, info: dict[str, Any] | None, consumer: Any
    ) -> asyncio.Task[None] | None:
        people = self._groups.setdefault(group, {})
        is_new = who not in people
        person = people.setdefault(who, _Person())
        person.connections += 1
        person.info = person.info if info is None else info
        person.layer = consumer.channel_layer if self.announces else None
        if person.absence is not None:
            person.absence.cancel()
            person.absence = None
        stay.places[self, group] = who, person
        return self._announce(group, "presence.joined", who, person) if is_new else None

    def _leave(self, stay: Stay, group: str, linger: float) -> None:
        place = stay.places.pop((self, group), None)
        if place is None:
            return
        who, person = place
        person.connections -= 1
        loop = self._loop
        if person.connections > 0 or loop is None or loop.is_closed():
            return
        if linger > 0:
            person.absence = loop.call_later(linger, self._remove, group, who, person)
        else:
            self._remove(group, who, person)

    def _remove(self, group: str, who: Who, person: _Person) -> None:
        people = self._groups[group]
        del people[who]
        if not people:
            del self._groups[group]
        self._announce(group, "presence.left", who, person)

    def _announce(
        self, group: str, message_type: str, who: Who, person: _Person
    ) -> asyncio.Task[None] | None:
        if not self.announces or self._loop is None:
            return None
        message = {"type": message_type, "group": group, "who": who, "info": person.info}
        before = self._announcements.get(group)
        task = self._loop.create_task(_send(person.layer, group, message, before))
        self._announcements[group] = task
        task.add_done_callback(partial(self._forget_announcement, group))
        return task

    def _forget_announcement(self, group: str, task: asyncio.Task[None]) -> None:
        if self._announcements.get(group) is task:
            del self._announcements[group]


def end_stay(consumer: Any) -> None:
    """Make a consumer leave all that it has entered: its connection has ended."""
    stay = consumer.__dict__.pop(_ATTRIBUTE, None)
    if stay is not None:
        stay.end()


def _stay_of(consumer: Any, loop: asyncio.AbstractEventLoop) -> Stay:
    stay: Stay | None = consumer.__dict__.get(_ATTRIBUTE)
    if stay is None:
        stay = consumer.__dict__[_ATTRIBUTE] = Stay()
        # In whatever thread it is freed, and when nobody has reported its end.
        weakref.finalize(consumer, _end_in_loop, loop, stay).atexit = False
    return stay


def _end_in_loop(loop: asyncio.AbstractEventLoop, stay: Stay) -> None:
    if stay.places:
        with contextlib.suppress(RuntimeError):  # the loop was closed, and nobody is here any more
            loop.call_soon_threadsafe(stay.end)


async def _send(
    layer: Any, group: str, message: dict[str, Any], before: asyncio.Task[None] | None
) -> None:
    """Send an announcement after the one before; nobody's connection depends on it."""
    if before is not None:
        await asyncio.wait([before])
    try:
        await layer.group_send(group, message)
    except Exception:
        logger.exception("%s of %r was not sent to %s", message["type"], message["who"], group)
