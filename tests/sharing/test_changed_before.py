"""What a program replaced before casgi was imported is found as well, each in its own process."""

import subprocess
import sys
from pathlib import Path

import pytest

CONSUMER = """
import json
from channels.generic.websocket import AsyncJsonWebsocketConsumer
class C(AsyncJsonWebsocketConsumer):
    async def h(self, event):
        await self.send_json(event)
    async def plain(self, event):
        await self.send(event["text"])
    async def loaded(self, event):
        await self.send(str(json.loads(event["text"])))
"""
CHECK = """
from casgi.channels.sharing import examine
from consumers_of_the_test import C
for name in {handlers!r}:
    verdict = examine(C, name)
    assert not verdict.is_shared, name
    assert "source" not in verdict.reason, verdict.reason
"""
ALL, JSON, LOADS = ["h", "plain", "loaded"], ["h"], ["loaded"]
REPLACED = {
    "json.dumps": ("import json; old = json.dumps; json.dumps = lambda value: old(value)", JSON),
    "code of json.dumps": (
        "import json; json.dumps.__code__ = json.dumps.__code__.replace(co_names=())",
        JSON,
    ),
    "keyword default of json.dumps": (
        "import json; json.dumps.__kwdefaults__['default'] = lambda value: str(id(value))",
        JSON,
    ),
    "a plain keyword default": ("import json; json.dumps.__kwdefaults__['indent'] = 3", JSON),
    "json.loads": ("import json; exec('def loads(s): return id(s)', vars(json))", LOADS),
    "JSONEncoder.encode": (
        "import json; json.JSONEncoder.encode = lambda self, value: str(id(value))",
        JSON,
    ),
    "attribute of JSONEncoder": ("import json; json.JSONEncoder.__getattr__ = print", JSON),
    "encode_basestring_ascii": ("import json.encoder as e; e.encode_basestring_ascii = id", JSON),
    "c_make_encoder": ("import json.encoder as e; e.c_make_encoder = id", JSON),
    "scanstring": ("import json.decoder as d; d.scanstring = id", LOADS),
    "class of the default encoder": (
        "import json; E = type('E', (json.JSONEncoder,), {'encode': str});"
        "json._default_encoder.__class__ = E",
        JSON,
    ),
    "method of the default encoder": ("import json; json._default_encoder.encode = print", JSON),
    "json of another file": (
        "import sys, types; json = sys.modules['json'] = types.ModuleType('json');"
        "json.__file__ = '/project/json.py';"
        "exec(compile('def dumps(x): return str(id(x))\\ndef loads(x): return id(x)',"
        " json.__file__, 'exec'), vars(json))",
        ["h", "loaded"],
    ),
    "json in Channels": (
        "import channels.generic.websocket as w, types;w.json = types.SimpleNamespace(dumps=repr)",
        JSON,
    ),
    "builtin": (
        "import builtins; old = isinstance; builtins.isinstance = lambda *a: old(*a)",
        JSON,
    ),
    "super": ("import builtins; builtins.super = type('super', (super,), {})", ALL),
    "AsyncConsumer.send": (
        "from channels.consumer import AsyncConsumer as A; old = A.send\n"
        "async def send(self, message):\n"
        "    await old(self, {**message, 'text': str(id(self))})\n"
        "A.send = send",
        ALL,
    ),
    "code of AsyncConsumer.send": (
        "from channels.consumer import AsyncConsumer as A\n"
        "async def send(self, message): await self.base_send(str(id(self)))\n"
        "A.send.__code__ = send.__code__",
        ALL,
    ),
    "send of Channels' other class": (
        "from channels.generic import websocket as w;"
        "w.AsyncWebsocketConsumer.send = w.WebsocketConsumer.send",
        ALL,
    ),
    "encode_json": (
        "from channels.generic.websocket import AsyncJsonWebsocketConsumer as A\n"
        "A.encode_json = classmethod(lambda cls, content: str(id(content)))",
        JSON,
    ),
    "dispatch": (
        "from channels.consumer import AsyncConsumer as A; old = A.dispatch\n"
        "async def dispatch(self, message): await old(self, message)\n"
        "A.dispatch = dispatch",
        ALL,
    ),
    "get_handler_name": (
        "import channels.consumer as c; c.get_handler_name = lambda message: 'h'",
        ALL,
    ),
    "__getattribute__ of Channels": (
        "from channels.consumer import AsyncConsumer as A;"
        "A.__getattribute__ = lambda self, name: object.__getattribute__(self, name)",
        ALL,
    ),
}


def in_a_process(folder: Path, before: str, handlers: list[str]) -> None:
    (folder / "consumers_of_the_test.py").write_text(CONSUMER)
    script = before + "\n" + CHECK.format(handlers=handlers)
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60, cwd=folder, env=None)


@pytest.mark.parametrize(("before", "handlers"), REPLACED.values(), ids=REPLACED)
def test_what_was_replaced_early_is_found(tmp_path: Path, before: str, handlers: list[str]) -> None:
    in_a_process(tmp_path, before, handlers)


def test_nothing_is_found_where_nothing_was_replaced(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        in_a_process(tmp_path, "", ["h"])
