"""How people write handlers of group events: seventy shapes, in three tables.

Each is the body of a handler h, the bases of its class, and what else that has. `J` stands for
AsyncJsonWebsocketConsumer, `A` for AsyncWebsocketConsumer, `S` for the sync one, `C` for
AsyncConsumer.
"""

from dataclasses import dataclass

BEFORE = """
import abc, datetime, enum, functools, json, logging, typing, uuid
from json import dumps as encode
from channels.db import database_sync_to_async
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import TextChoices
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import mark_safe
from django.utils.translation import gettext
logger = logging.getLogger(__name__)
T = typing.TypeVar("T")
class Base(abc.ABC):
    pass
class Typed(typing.Generic[T]):
    pass
class Kind:
    NEW = "new"
class Choice(TextChoices):
    NEW = "new"
class faster:
    @staticmethod
    def dumps(value):
        return json.dumps(value).encode()
def line(event):
    return {"text": event["text"]}
def logged(handler):
    @functools.wraps(handler)
    async def wrapper(self, event):
        return await handler(self, event)
    return wrapper
"""
_BASES = {"A": "AsyncWebsocketConsumer", "J": "AsyncJsonWebsocketConsumer"}
_BASES |= {"S": "WebsocketConsumer", "C": "AsyncConsumer"}
HEAD = "async def h(self, event):"


@dataclass(frozen=True)
class Shape:
    """The parts of a class C with a handler h."""

    body: str
    base: str = "J"
    own: str = ""
    head: str = HEAD

    def text(self) -> str:
        """Return the text of the class."""
        base = ", ".join(_BASES.get(name, name) for name in self.base.split(", "))
        lines = "\n".join(f"        {line}" for line in self.body.splitlines())
        own = "\n".join(f"    {line}" for line in self.own.splitlines())
        return f"{BEFORE}class C({base}):\n    {self.head}\n{lines}\n{own}\n"


SHARED = {
    "fields as JSON": Shape("await self.send(json.dumps({'a': event['text']}))", "A"),
    "locals first": Shape("text = event['text']\nawait self.send(json.dumps({'a': text}))", "A"),
    "the event as JSON": Shape("await self.send(text_data=json.dumps(event))", "A"),
    "a part as JSON": Shape("await self.send(text_data=json.dumps(event['nested']))", "A"),
    "a text as it is": Shape("await self.send(text_data=event['text'])", "A"),
    "send_json": Shape("await self.send_json(event)"),
    "send_json of a part": Shape("await self.send_json(event['nested'])"),
    "with defaults": Shape("await self.send_json({'a': event.get('a', {}), 'b': event.get('b')})"),
    "a raw message": Shape(
        "await self.send({'type': 'websocket.send', 'text': event['text']})", "C"
    ),
    "sync": Shape("self.send(json.dumps({'a': event['text']}))", "S", head="def h(self, event):"),
    "spread": Shape("await self.send(json.dumps({'type': 'x', **event['nested']}))", "A"),
    "pop": Shape("event.pop('type')\nawait self.send_json(event)"),
    "a filtered copy": Shape(
        "await self.send_json({key: value for key, value in event.items() if key != 'type'})"
    ),
    "a copy and del": Shape("copy = dict(event)\ndel copy['type']\nawait self.send_json(copy)"),
    "ensure_ascii": Shape("await self.send(json.dumps(event, ensure_ascii=False))", "A"),
    "Django's encoder": Shape("await self.send(json.dumps(event, cls=DjangoJSONEncoder))", "A"),
    "HTML by an f-string": Shape("await self.send(f\"<p>{event['text']}</p>\")", "A"),
    "annotated": Shape(
        "await self.send_json(event['text'])", head="async def h(self, event: dict) -> None:"
    ),
    "own send_json": Shape(
        "await self.send_json(event['nested'])",
        "A",
        "async def send_json(self, value):\n    await self.send(text_data=json.dumps(value))",
    ),
    "beside an own send_json": Shape(
        "await self.send(text_data=json.dumps(event))",
        "A",
        "async def send_json(self, value):\n    await self.send(text_data=json.dumps(value))",
    ),
    "own encode_json": Shape(
        "await self.send_json(event['nested'])",
        own="@classmethod\nasync def encode_json(cls, value):\n"
        "    return json.dumps(value, cls=DjangoJSONEncoder)",
    ),
    "a helper method": Shape(
        "await self.relay(event)",
        own="async def relay(self, event):\n    await self.send_json(event['text'])",
    ),
    "a helper function": Shape("await self.send(json.dumps(line(event)))", "A"),
    "try and log": Shape(
        "try:\n    await self.send(json.dumps(event))\nexcept Exception as e:\n    logger.error(e)",
        "A",
    ),
    "mark_safe": Shape("await self.send(json.dumps({'a': mark_safe(event['text'])}))", "A"),
    "a constant of a class": Shape("await self.send_json({'a': Kind.NEW})"),
    "a choice": Shape("await self.send_json({'a': Choice.NEW})"),
    "a constant of its own": Shape("await self.send_json({'a': self.KIND})", own="KIND = 'x'"),
    "an unused default": Shape(
        "await self.send_json(event)", head="async def h(self, event, type='chat'):"
    ),
    "keywords": Shape("await self.send_json(event)", head="async def h(self, event, **kwargs):"),
    "returned": Shape("return await self.send(json.dumps(event))", "A"),
    "returned, sync": Shape(
        "return self.send(json.dumps({**event, 'a': 1}))", "S", head="def h(self, event):"
    ),
    "an abstract base": Shape("await self.send_json(event)", "Base, J"),
    "a generic base": Shape("await self.send_json(event)", "Typed[int], J"),
    "format": Shape("await self.send('{}: {}'.format(event['text'], event['number']))", "A"),
    "isinstance": Shape(
        "if isinstance(event['text'], str):\n    await self.send(event['text'])", "A"
    ),
    "raise": Shape(
        "if 'text' not in event:\n    raise ValueError('text')\nawait self.send(event['text'])", "A"
    ),
    "another encoder": Shape("await self.send(faster.dumps(event).decode())", "A"),
    "match": Shape(
        "match event['text']:\n    case 'hello':\n        await self.send_json(event)\n"
        "    case _:\n        await self.send_json({'a': 1})"
    ),
    "escape": Shape("await self.send(f\"<p>{escape(event['text'])}</p>\")", "A"),
    "JSON in JSON": Shape(
        "text = json.loads(event['json']) if event.get('json') else 'none'\n"
        "await self.send({'type': 'websocket.send', 'text': json.dumps([text])})",
        "C",
    ),
    "a static method": Shape(
        "await self.send_json(self.line(event))",
        own="@staticmethod\ndef line(event):\n    return {'a': event['text']}",
    ),
    "an import of its own": Shape("await self.send(encode(event))", "A"),
    "a docstring": Shape('"""Send it."""\nawait self.send_json({**event["nested"]})  # noqa'),
    "bytes": Shape("await self.send(bytes_data=event['bytes'])", "A"),
}
# Run once, for all members of whom the same is true.
BY_MEMBER = {
    "all but this channel": Shape(
        "if self.channel_name != event['sender']:\n    await self.send(event['text'])", "A"
    ),
    "this channel returns": Shape(
        "if event.get('sender') == self.channel_name:\n    return\nawait self.send_json(event)"
    ),
    "this user returns": Shape(
        "if event['number'] == self.user_id:\n    return\nawait self.send_json(event)"
    ),
}
_IN_DATABASE = "@database_sync_to_async\ndef look(self, number):\n    return {}"
# By each consumer, and why.
FOR_EACH = {
    "print": (Shape("print('x')\nawait self.send_json(event)"), "print"),
    "a log line": (Shape("logger.debug('x')\nawait self.send_json(event)"), "logger.debug"),
    "all but this user": (
        Shape("if event['number'] != self.user.id:\n    await self.send_json(event)"),
        "self.user.id",
    ),
    "all but the scope's user": (
        Shape("if event['number'] != self.scope['user'].id:\n    await self.send_json(event)"),
        "self.scope['user'].id",
    ),
    "whether it is the user's": (
        Shape("await self.send_json({'own': event['number'] == self.user.id})"),
        "self.user.id",
    ),
    "the time": (
        Shape("await self.send(datetime.datetime.now().isoformat())", "A"),
        "datetime.datetime",
    ),
    "Django's time": (Shape("await self.send_json(str(timezone.now()))"), "timezone.now"),
    "a template": (
        Shape("await self.send(render_to_string('x.html', {'a': event['text']}))", "A"),
        "render_to_string",
    ),
    "a template of the user's": (
        Shape("await self.send(render_to_string('x.html', {'user': self.user}))", "A"),
        "self.user",
    ),
    "the database": (
        Shape("await self.send_json(await self.look(event['number']))", own=_IN_DATABASE),
        "self.look",
    ),
    "into the database": (
        Shape("await self.look(1)\nawait self.send_json(event)", own=_IN_DATABASE),
        "self.look",
    ),
    "a setting": (Shape("await self.send_json({'a': settings.USE_TZ})"), "settings.USE_TZ"),
    "the room's name": (Shape("await self.send_json({'a': self.room_name})"), "self.room_name"),
    "then close": (Shape("await self.send_json(event)\nawait self.close()"), "self.close"),
    "if it is subscribed": (
        Shape("if self.subscribed:\n    await self.send_json(event)"),
        "self.subscribed",
    ),
    "a translation": (Shape("await self.send_json({'a': gettext('Hello')})"), "gettext"),
    "then leave": (
        Shape(
            "await self.send_json(event)\n"
            "await self.channel_layer.group_discard('g', self.channel_name)"
        ),
        "self.channel_layer",
    ),
    "own send": (
        Shape(
            "await self.send_json(event)",
            own="async def send(self, *a, **k):\n    await super().send(*a, **k)",
        ),
        "defines send",
    ),
    "own dispatch": (
        Shape(
            "await self.send_json(event)",
            own="async def dispatch(self, message):\n    await super().dispatch(message)",
        ),
        "defines dispatch",
    ),
    "a new UUID": (Shape("await self.send_json(str(uuid.uuid4()))"), "uuid.uuid4"),
    "while": (
        Shape("i = 0\nwhile i < 2:\n    await self.send_json(event)\n    i += 1"),
        "while i < 2",
    ),
    "a decorator": (
        Shape("await self.send_json(event)", head=f"@logged\n    {HEAD}"),
        "is decorated",
    ),
}
