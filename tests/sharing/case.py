"""Handlers that must run for each consumer: what is in them, and why that is.

Each is the body of an async handler of an AsyncJsonWebsocketConsumer unless it has a class of its
own. The line that prevents sharing is marked HERE; without a mark it is that of the handler.
Where `differs`, two members do see different frames: that is the leak.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """A handler, with what stands before its class."""

    reason: str
    body: str
    before: str = ""
    differs: bool = True


CURRENT = """
import contextvars
current = contextvars.ContextVar("current")
def enter(name):
    current.set(name)
"""
COUNTER = """
import itertools
numbers = itertools.count()
def helper(*args):
    return str(next(numbers))
"""
