"""Each rule meets each way to depend on something else: none of them gets through.

A place is where a rule lets a value through; an impure value is one that differs from member to
member, from run to run, or by its address. Every impure value is put into every place.
"""

import textwrap

import pytest
from members import EVENT, Load, copied

from casgi.channels.sharing import examine, plan_of

BEFORE = """
import abc
import contextvars
import datetime
import enum
import itertools
import os
import random
import time
import typing
import uuid
from django.utils.html import escape
from django.utils.safestring import mark_safe
current = contextvars.ContextVar("current", default="x")
numbers = itertools.count()
state = {"name": "x"}
people = ["x"]
class Kinds:
    NEW = "new"
    PEOPLE = ["x"]
    now = property(lambda self: 1)
class Shades(enum.Enum):
    RED = "red"
def impure(*args):
    return str(next(numbers))
def pure(*args, **named):
    return [*args]
async def pure_async(value):
    return value
"""
IMPURE = [
    *["state", 'state["name"]', "people", "people[0]", "current.get()", "next(numbers)", "numbers"],
    *["random.random()", "time.time()", "uuid.uuid4().hex", "datetime.datetime.now().isoformat()"],
    *["impure(event)", "impure", "pure", "id(event)", "hash('x')", "object()", "iter([1])"],
    *['os.environ.get("HOME")', "os.environ", "{event, 1}", "set([1])", "frozenset([1])"],
    *["(lambda: 1)()", "event.__class__", "event.get", "globals()", "locals()", "vars()"],
    *[
        "type(event)",
        "print",
        "input()",
        "open('/dev/null')",
        "eval('1')",
        "__name__.format_map({})",
    ],
    *["(x for x in [1])", "zip([1])", "event.keys()", "memoryview(b'x')", "str(map(str, [1]))"],
    *["Kinds", "Kinds.PEOPLE", "Kinds.now", "Kinds.__name__", "Kinds.__mro__", "Shades.RED"],
    *[
        "json",
        "json.dumps",
        "missing",
        "yield_",
        "'{0.x}'.format(event)",
        "f'{1:n}'",
        "str(b'', 'x')",
    ],
    *["pure(impure(event))", "pure(state)", "escape(current.get())", "mark_safe(people[0])"],
]
OF_SELF = [
    *["self", "self.name", 'self.scope["user"]', "self.channel_name", "self.send", "str(self)"],
    *["id(self)", "vars(self)", "getattr(self, 'name')", "type(self).__name__", "self.__class__"],
    *["[x for x in self.groups]", "f'{self.name}'", "self.name < event['text']", "self.now()"],
    *["self.name in event", "self.name is None", "self.name == self.other", "(not self.name)"],
    *["pure(self)", "pure(self.name)", "self.pure(self.name)", "(own := self).name", "self[0]"],
    *["self.name == event['text'] == 'x'", "self.user.id == event['text']", "self.label == 'x'"],
    *["self.scope == event", "self.send == event", "self.__name == 'x'", "self.groups == []"],
    *["self.PEOPLE", "self.described == 'x'", "self.PEOPLE == 1"],
]
# In these, there is a consumer.
OF_HANDLERS = {
    "an argument of send": ("await self.send({})", ""),
    "an argument of send_json": ("await self.send_json([{}])", ""),
    "an argument of an own method": ("await self.send(str(self.pure({})))", ""),
    "an argument of an own coroutine": ("await self.send(str(await self.pure_async({})))", ""),
    "an argument of a function": ("await self.send(str(pure({})))", ""),
    "an argument of a coroutine function": ("await self.send(str(await pure_async({})))", ""),
    "a named argument": ("await self.send(str(pure(a={})))", ""),
    "a returned value": ("return {}", ""),
    "a deleted item": ("del event['items'][{}]", ""),
    "a subject of match": ("match {}:\n    case 1:\n        pass", ""),
    "a guard of match": ("match event:\n    case 1 if {}:\n        pass", ""),
    "a block of match": ("match event:\n    case _:\n        await self.send(str({}))", ""),
    "what is raised with": ("raise ValueError({})", ""),
    "what is asserted": ("assert {}", ""),
    "a message of assert": ("assert event, {}", ""),
    "what isinstance asks": ("await self.send(str(isinstance({}, str)))", ""),
    "what isinstance asks for": ("await self.send(str(isinstance(event, {})))", ""),
    "what is formatted": ("await self.send('{{}}'.format({}))", ""),
    "what is escaped": ("await self.send('' + escape({}))", ""),
    "what is marked": ("await self.send('' + mark_safe({}))", ""),
    "what is tried": ("try:\n    await self.send(str({}))\nexcept Exception:\n    pass", ""),
    "the else of a try": ("try:\n    pass\nexcept ValueError:\n    pass\nelse:\n    x = {}", ""),
    "what is compared with a member's": ("if self.name == {}:\n    return", ""),
    "what is done for one outcome": ("if self.name == 'x':\n    await self.send({})", ""),
    "an own send_json": (
        "await self.send_json(event)",
        "async def send_json(self, event):\n    await self.send(json.dumps([event, {}]))",
    ),
    "an own encode_json": (
        "await self.send_json(event)",
        "async def encode_json(self, event):\n    return json.dumps([event, {}])",
    ),
    "an own method": (
        "await self.relay(event)",
        "async def relay(self, event):\n    await self.send(str([{}]))",
    ),
    "an own method's method": (
        "await self.relay(event)",
        "async def relay(self, event):\n    await self.again(event)\n"
        "async def again(self, event):\n    await self.send(str([{}]))",
    ),
}
# In these, there is none.
OF_FUNCTIONS = {
    "a function": "def function{n}(event):\n    return [{value}]",
    "a function's variable": "def function{n}(event):\n    x = [{value}]\n    return x",
    "a function's condition": "def function{n}(event):\n    if {value}:\n        return 1",
    "a function's function": (
        "def function{n}(event):\n    return inner{n}(event)\n"
        "def inner{n}(event):\n    return [{value}]"
    ),
    "a function's default": "def function{n}(event, more=[]):\n    more.append([{value}])",
}


def handlers(place: str) -> str:
    """Return a class with a handler for each impure value in a place."""
    body, method = OF_HANDLERS[place]
    parts = [BEFORE]
    for number, value in enumerate([*IMPURE, *OF_SELF]):
        lines = textwrap.indent(body.format(value), " " * 8)
        own = textwrap.indent(method.replace("{}", value), " " * 4)
        parts.append(
            f"class C{number}(AsyncJsonWebsocketConsumer):\n"
            "    PEOPLE = []\n"
            "    label = property(lambda self: self.name)\n"
            "    described = classmethod(print)\n"
            "    @staticmethod\n    def pure(value):\n        return value\n"
            "    async def pure_async(self, value):\n        return value\n"
            f"    async def h(self, event):\n{lines}\n{own}\n"
        )
    return "\n".join(parts)


@pytest.mark.parametrize("place", OF_HANDLERS)
def test_no_impure_value_gets_through(load: Load, place: str) -> None:
    module = load(handlers(place))
    for number, value in enumerate([*IMPURE, *OF_SELF]):
        consumer_class = vars(module)[f"C{number}"]
        assert not examine(consumer_class, "h").is_shared, value
        assert plan_of(consumer_class).run(copied(EVENT)) is None, value


@pytest.mark.parametrize("place", OF_FUNCTIONS)
def test_no_impure_function_gets_through(load: Load, place: str) -> None:
    parts = [BEFORE]
    for number, value in enumerate(IMPURE):
        parts.append(OF_FUNCTIONS[place].format(n=number, value=value.replace("self", "event")))
        parts.append(
            f"class C{number}(AsyncWebsocketConsumer):\n    async def h(self, event):\n"
            f"        await self.send(str(function{number}(event)))"
        )
    module = load("\n".join(parts))
    for number, value in enumerate(IMPURE):
        assert not examine(vars(module)[f"C{number}"], "h").is_shared, value


def test_a_pure_value_gets_through_everywhere(load: Load) -> None:
    """So that the tests above do not refuse for another reason."""
    for place, (body, method) in OF_HANDLERS.items():
        value = "str" if place == "what isinstance asks for" else "event['text']"
        lines = textwrap.indent(body.format(value), " " * 8)
        own = textwrap.indent(method.replace("{}", value), " " * 4)
        module = load(
            f"{BEFORE}\nclass C(AsyncJsonWebsocketConsumer):\n"
            "    @staticmethod\n    def pure(value):\n        return value\n"
            "    async def pure_async(self, value):\n        return value\n"
            f"    async def h(self, event):\n{lines}\n{own}\n"
        )
        assert examine(module.C, "h").reason == "", place
    for place, text in OF_FUNCTIONS.items():
        if place == "a function's default":
            continue
        function = text.format(n=1, value="event['text']")
        module = load(
            f"{function}\nclass C(AsyncWebsocketConsumer):\n    async def h(self, event):\n"
            "        await self.send(str(function1(event)))"
        )
        assert examine(module.C, "h").reason == "", place
