"""The pieces that generated modules are put together from."""

ASYNC_BASES = ("AsyncWebsocketConsumer", "AsyncJsonWebsocketConsumer")
SYNC_BASES = ("WebsocketConsumer", "JsonWebsocketConsumer")

# What can be sent. Those of the first dict are the same for every consumer.
PURE_TEXTS = {
    "constant": '"constant"',
    "event": 'event["text"]',
    "format": "f\"{event['text']}/{event['n']}\"",
    "dumps": 'json.dumps({"text": event["text"], "n": event["n"]})',
    "get": 'event.get("other", "nothing")',
    "method": 'event["text"].upper()',
    "choice": '"odd" if event["n"] % 2 else "even"',
    "joined": '",".join(str(i) for i in range(event["n"]))',
    "items": 'str(event["items"])',
    "str": 'str(event["n"])',
    "helper method": 'self.bracketed(event["text"])',
    "static method": 'self.doubled(event["text"])',
    "pure helper": 'quoted(event["text"], more=str(event["n"]))',
    "class constant": "Kinds.NEW + self.kind",
    "member of an enum": 'Colors.RED + Shades.DARK.name + f"{Colors.RED}{Shades.DARK.value}"',
    "str.format": '"{}:{n}".format(event["text"], n=event["n"])',
    "isinstance": '"text" if isinstance(event["text"], str) else "other"',
    "escaped": '"" + escape("<" + event["text"] + ">")',
    "missing": 'event["missing"]',
    "none": "None",
    "surrogate": '"\\udc80"',
}
OWN_TEXTS = {
    "name": "self.name",
    "count": "str(self.count)",
    "scope": 'self.scope["path"]',
    "both": "f\"{event['text']} {self.name}\"",
    "property": "self.label",
    "class": "self.motto",
    "global": 'SETTINGS["motto"]',
    "helper": 'shout(event["text"])',
    "current": "current_name.get()",
    "getattr": 'getattr(self, "name")',
    "method of self": "self.title()",
    "type": "type(self).__name__",
    "vars": 'str(vars(self).get("name"))',
    "comprehension": "str([own.name for own in [self]])",
    "walrus": "str((own := self).name)",
    "lambda": "(lambda: self.name)()",
    "member with a text of its own": 'f"{Moods.NOW}"',
}
TEXTS = PURE_TEXTS | OWN_TEXTS

SENDS = {
    "text": "self.send(text_data={text})",
    "positional": "self.send({text})",
    "bytes": "self.send(bytes_data=({text}).encode())",
    "closing": "self.send(text_data={text}, close=4001)",
    "json": 'self.send_json({{"text": {text}, "n": event["n"]}})',
    "own json": 'self.answer({{"text": {text}, "n": event["n"]}})',
    "super": "super().send(text_data={text})",
    "base": 'self.base_send({{"type": "websocket.send", "text": {text}}})',
}
CONDITIONS = {
    "odd": 'event["n"] % 2',
    "labelled": '"." in event["text"]',
    "not me": 'self.rank != event["n"]',
    "me": 'event["n"] == self.rank',
    "many": "self.count > 1",
    "first": 'self.name == "a"',
}
CHECKS = {
    "raise": 'if event["n"] > 2:\n    raise ValueError(event["text"])',
    "assert": 'assert event["n"] < 3, event["text"]',
    "match": (
        'match event:\n    case {"n": 1 | 2, "text": str(text)} if text:\n'
        '        event["text"] = text + "%"\n    case {"n": n, **rest}:\n'
        '        event["text"] += str(n) + str(len(rest))'
    ),
}
FAILURES = {
    "error": 'raise RuntimeError("failed")',
    "stop": "raise StopConsumer",
    "deny": "raise DenyConnection",
    "accept": "raise AcceptConnection",
}
STYLES = ("plain", "default", "decorated", "docstring", "closure", "options", "returning")

HEADER = '''\
"""A generated program."""

import asyncio
import contextvars
import enum
import functools
import json

from asgiref.sync import async_to_sync
from channels.exceptions import AcceptConnection, DenyConnection, StopConsumer
from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
    JsonWebsocketConsumer,
    WebsocketConsumer,
)
from channels.layers import get_channel_layer
from channels.routing import URLRouter
from django.urls import re_path
from django.utils.html import escape
from equivalence.world import (
    arrive, event_of, follow, gate, goes_on, journal, name_of, own_thread, start, sync_gate
)

LAYER = get_channel_layer()
SETTINGS = {"motto": "of the module"}
current_name = contextvars.ContextVar("current_name", default="nobody")


def shout(text):
    return text + "!"


def quoted(text, more="", *rest, **named):
    match text:
        case "" | None:
            return "empty"
        case str() if more:
            return "'" + text + "'" + more
    return text


class Kinds:
    NEW = "new"


class Colors(enum.StrEnum):
    RED = "red"


class Shades(enum.Enum):
    DARK = "dark"


class Moods(str, enum.Enum):
    NOW = "now"

    def __str__(self):
        return current_name.get()

    __format__ = lambda self, specification: str(self)


def named(function):
    """Wrap a handler so that it depends on its consumer."""
    @functools.wraps(function)
    def call(self, event):
        return function(self, {**event, "text": event["text"] + " to " + self.name})
    return call


def enclosed(seen):
    """Make a handler's text come from a closure."""
    def text():
        return str(len(seen))
    return text
'''

OVERRIDES = {
    "dispatch": """\
async def dispatch(self, message):
    journal(self, message["type"])
    await super().dispatch(message)""",
    "send": """\
{async}def send(self, text_data=None, bytes_data=None, close=False):
    if text_data is not None:
        text_data += "~" + self.name
    {await}super().send(text_data=text_data, bytes_data=bytes_data, close=close)""",
    "same send": """\
{async}def send(self, text_data=None, bytes_data=None, close=False):
    {await}super().send(text_data=text_data, bytes_data=bytes_data, close=close)""",
    "encode_json": """\
@classmethod
{json_async}def encode_json(cls, content):
    return json.dumps([content, cls.__name__])""",
    "getattribute": """\
def __getattribute__(self, name):
    if name == "send" and "name" in vars(self):
        journal(self, "looked for send")
    return super().__getattribute__(name)""",
    "slots": '__slots__ = ("unused",)',
    "initialized": """\
def __init__(self, *args, **kwargs):
    super().__init__(*args, **kwargs)
    self.early = "early" """,
}

MIDDLEWARE = {
    "passing": """\
def passing(inner):
    async def application(scope, receive, send):
        async def pass_on(message):
            await send(message)
        await inner(scope, receive, pass_on)
    return application""",
    "tagging": """\
def tagging(inner):
    async def application(scope, receive, send):
        async def tag(message):
            if message.get("text") is not None:
                message = {**message, "text": message["text"] + "#" + name_of(scope)}
            await send(message)
        await inner(scope, receive, tag)
    return application""",
    "listening": """\
def listening(inner):
    async def application(scope, receive, send):
        async def listen():
            return await receive()
        await inner(scope, listen, send)
    return application""",
    "naming": """\
def naming(inner):
    async def application(scope, receive, send):
        current_name.set(name_of(scope))
        await inner(scope, receive, send)
    return application""",
    "sessions": """\
from channels.sessions import SessionMiddlewareStack as sessions""",
    "threads": """\
def threads(inner):
    async def application(scope, receive, send):
        async with own_thread():
            await inner(scope, receive, send)
    return application""",
}
