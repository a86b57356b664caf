"""One attack on a rule: a handler that looks shareable under it, and is not, or not any more.

`current` is a context variable with the name of whoever runs, `numbers` counts, `people` grows by
each member that handles something, and `Spy` is a text that answers for itself.
"""

import textwrap
from dataclasses import dataclass

BEFORE = """
import contextvars
import enum
import itertools
import types
current = contextvars.ContextVar("current", default="nobody")
numbers = itertools.count()
people = []
def enter(name):
    current.set(name)
    people.append(name)
class Spy(str):
    __str__ = __repr__ = lambda self: current.get()
    __format__ = lambda self, spec: current.get()
    __eq__ = lambda self, other: current.get() == "alice"
    __ne__ = lambda self, other: current.get() != "alice"
    __hash__ = lambda self: hash("x")
    __add__ = __radd__ = __mod__ = lambda self, other: current.get()
def spying(*args, **named):
    return current.get()
async def spying_async(*args, **named):
    return current.get()
async def send_own(self, *args, **named):
    await self.base_send({"type": "websocket.send", "text": current.get()})
"""


@dataclass(frozen=True)
class Attack:
    """The text of a module with a consumer class C that has a handler h.

    Attributes:
        then: what runs in the module after the handler was proved, with pytest's `patch`.

    """

    text: str
    then: str = ""


def attack(
    body: str = "await self.send(event['text'])",
    own: str = "",
    *,
    before: str = "",
    base: str = "AsyncJsonWebsocketConsumer",
    head: str = "async def h(self, event):",
    then: str = "",
) -> Attack:
    """Return an attack by the body of a handler, other members of its class, and what is above."""
    lines = textwrap.indent(textwrap.dedent(body).strip(), " " * 8)
    members = textwrap.indent(textwrap.dedent(own).strip(), " " * 4)
    above = textwrap.dedent(before)
    return Attack(f"{above}\nclass C({base}):\n    {head}\n{lines}\n{members}\n", then)
