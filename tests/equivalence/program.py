"""What is generated: consumers as lists of steps, and what happens to them. Data only.

Everything is a frozen dataclass of texts, numbers, tuples and dicts, so that a found case can be
kept as a JSON file (codec.py) and read by people.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

# Steps of a handler


@dataclass(frozen=True)
class Send:
    """Send to the own client; `what` is a key of phrases.TEXTS, `how` one of phrases.SENDS."""

    what: str = "event"
    how: str = "text"


@dataclass(frozen=True)
class Accept:
    pass


@dataclass(frozen=True)
class Close:
    code: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Fail:
    """Raise: one of phrases.FAILURES."""

    how: str = "error"


@dataclass(frozen=True)
class Gate:
    """Wait until the scenario opens this consumer's gate of that name."""

    name: str = "gate"


@dataclass(frozen=True)
class Turn:
    """Let the event loop turn (async), or nothing (sync)."""


@dataclass(frozen=True)
class Join:
    group: str


@dataclass(frozen=True)
class Part:
    group: str


@dataclass(frozen=True)
class GroupSend:
    group: str
    type: str
    label: str = "g"


@dataclass(frozen=True)
class Tell:
    """Send to the own channel."""

    type: str
    label: str = "t"


@dataclass(frozen=True)
class Journal:
    text: str = "here"


@dataclass(frozen=True)
class Count:
    """Add one to the consumer's own counter."""


@dataclass(frozen=True)
class Change:
    """Change the event that was received."""


@dataclass(frozen=True)
class Remove:
    """Delete from the event that was received."""


@dataclass(frozen=True)
class Check:
    """Look at the event in another way: one of phrases.CHECKS."""

    how: str = "match"


@dataclass(frozen=True)
class Returning:
    """Return what sending gives."""


@dataclass(frozen=True)
class Later:
    """Start a task that sends to the client when a gate opens, "" for at once (async only)."""

    gate: str = "later"


@dataclass(frozen=True)
class Shadow:
    """Give the instance an attribute that takes the place of a method: "send" or a handler."""

    method: str = "send"


@dataclass(frozen=True)
class When:
    """Do the steps only under a condition: one of phrases.CONDITIONS."""

    condition: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Twice:
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Guarded:
    """Catch what the steps raise, and journal it."""

    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Leave:
    """Return from the handler."""


Step: TypeAlias = (
    Send
    | Accept
    | Close
    | Fail
    | Gate
    | Turn
    | Join
    | Part
    | GroupSend
    | Tell
    | Journal
    | Count
    | Change
    | Later
    | Shadow
    | When
    | Twice
    | Guarded
    | Remove
    | Check
    | Returning
    | Leave
)
Steps: TypeAlias = tuple[Step, ...]


@dataclass(frozen=True)
class Handler:
    """`style` is one of phrases.STYLES: how the method is written around its steps."""

    steps: Steps
    style: str = "plain"


@dataclass(frozen=True)
class Consumer:
    base: str
    connect: Steps = (Accept(),)
    disconnect: Steps = ()
    commands: dict[str, Handler] = field(default_factory=dict)
    """What a client's text starts: by its first word."""
    events: dict[str, Handler] = field(default_factory=dict)
    """Handlers of channel messages: by type."""
    groups: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    """Keys of phrases.OVERRIDES."""
    extends: bool = False
    """A subclass of the consumer before it (of the same base), with these handlers on top."""


@dataclass(frozen=True)
class Program:
    consumers: tuple[Consumer, ...]
    middleware: tuple[str, ...] = ()
    """Keys of phrases.MIDDLEWARE, the innermost first."""
    capacity: int = 1000


# What happens


@dataclass(frozen=True)
class Connects:
    client: str
    consumer: int = 0


@dataclass(frozen=True)
class Says:
    client: str
    command: str
    number: int = 0


@dataclass(frozen=True)
class SaysBytes:
    client: str
    command: str
    number: int = 0


@dataclass(frozen=True)
class Leaves:
    """The client closes properly."""

    client: str
    code: int = 1000


@dataclass(frozen=True)
class Vanishes:
    """The client's socket closes."""

    client: str


@dataclass(frozen=True)
class Opens:
    client: str
    gate: str = "gate"


@dataclass(frozen=True)
class Broadcasts:
    """Outside code sends to a group."""

    group: str
    type: str
    number: int = 0


@dataclass(frozen=True)
class Tells:
    """Outside code sends to a consumer's channel."""

    client: str
    type: str
    number: int = 0


@dataclass(frozen=True)
class Adds:
    """Outside code adds a consumer's channel to a group."""

    client: str
    group: str


@dataclass(frozen=True)
class Removes:
    client: str
    group: str


@dataclass(frozen=True)
class AtOnce:
    """Several without the world coming to rest between them."""

    actions: tuple[Action, ...]


Action: TypeAlias = (
    Connects
    | Says
    | SaysBytes
    | Leaves
    | Vanishes
    | Opens
    | Broadcasts
    | Tells
    | Adds
    | Removes
    | AtOnce
)


@dataclass(frozen=True)
class Case:
    program: Program
    actions: tuple[Action, ...]
