"""What is changed after the proof: the handler runs for each consumer from that message on."""

import json
import linecache
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import channels.generic.websocket
import pytest
from channels.consumer import AsyncConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer, AsyncWebsocketConsumer
from members import EVENT, HEADER, Load, copied, payloads

from casgi.channels.sharing import examine, plan_of

SOURCE = """
PREFIX = ">"
class Base(AsyncJsonWebsocketConsumer):
    pass
class C(Base):
    async def h(self, event):
        await self.send_json(json.loads(json.dumps(PREFIX + event["text"])))
        await self.send(str(len(event)))
"""
SENT = ('">hello"', "5")
Change = Callable[[ModuleType, pytest.MonkeyPatch], None]


async def other_send(self, text_data=None, bytes_data=None, close=False):  # type: ignore[no-untyped-def]
    """Take the place of a method."""


CHANGES: dict[str, Change] = {
    "json.dumps": lambda module, patch: patch.setattr(json, "dumps", lambda value: "patched"),
    "json.loads": lambda module, patch: patch.setattr(json, "loads", lambda text: "patched"),
    "JSONEncoder.default": lambda module, patch: patch.setattr(json.JSONEncoder, "default", print),
    "JSONEncoder.encode": lambda module, patch: patch.setattr(json.JSONEncoder, "encode", print),
    "JSONDecoder.decode": lambda module, patch: patch.setattr(json.JSONDecoder, "decode", print),
    "JSONEncoder": lambda module, patch: patch.setattr(json, "JSONEncoder", print),
    "default encoder": lambda module, patch: patch.setattr(json, "_default_encoder", print),
    "default encoder's method": lambda module, patch: patch.setattr(
        vars(json)["_default_encoder"], "encode", print, raising=False
    ),
    "json in the module": lambda module, patch: patch.setattr(
        module, "json", types.SimpleNamespace(dumps=print)
    ),
    "json in Channels": lambda module, patch: patch.setattr(
        channels.generic.websocket, "json", types.SimpleNamespace(dumps=print)
    ),
    "constant": lambda module, patch: patch.setattr(module, "PREFIX", "<"),
    "constant that is gone": lambda module, patch: patch.delattr(module, "PREFIX"),
    "builtin that is shadowed": lambda module, patch: patch.setattr(
        module, "str", print, raising=False
    ),
    "builtin": lambda module, patch: patch.setattr("builtins.len", lambda value: 1),
    "send of the class": lambda module, patch: patch.setattr(module.C, "send", other_send),
    "send of its base": lambda module, patch: patch.setattr(module.Base, "send", other_send),
    "send of Channels": lambda module, patch: patch.setattr(
        AsyncWebsocketConsumer, "send", other_send
    ),
    "send below": lambda module, patch: patch.setattr(AsyncConsumer, "send", other_send),
    "send in a class of Channels": lambda module, patch: patch.setattr(
        AsyncJsonWebsocketConsumer, "send", other_send
    ),
    "send_json": lambda module, patch: patch.setattr(
        AsyncJsonWebsocketConsumer, "send_json", other_send
    ),
    "encode_json": lambda module, patch: patch.setattr(module.C, "encode_json", print),
    "dispatch": lambda module, patch: patch.setattr(AsyncConsumer, "dispatch", other_send),
    "__getattribute__": lambda module, patch: patch.setattr(
        module.C, "__getattribute__", object.__getattribute__
    ),
    "__getattr__": lambda module, patch: patch.setattr(
        AsyncConsumer, "__getattr__", print, raising=False
    ),
    "handler": lambda module, patch: patch.setattr(module.C, "h", other_send),
    "names of handlers": lambda module, patch: patch.setattr(
        "channels.consumer.get_handler_name", lambda message: "h"
    ),
    "handler that is gone": lambda module, patch: patch.delattr(module.C, "h"),
    "code of the handler": lambda module, patch: patch.setattr(
        module.C.h, "__code__", other_send.__code__
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_change_ends_sharing(load: Load, monkeypatch: pytest.MonkeyPatch, change: Change) -> None:
    module = load(SOURCE)
    plan = plan_of(module.C)
    assert payloads(plan, copied(EVENT)) == SENT
    with monkeypatch.context() as patch:
        change(module, patch)
        assert plan.run(copied(EVENT)) is None
        verdict = examine(module.C, "h")
    assert not verdict.is_shared
    assert verdict.reason
    # Taken back, all is as it was proved.
    assert payloads(plan, copied(EVENT)) == SENT


def test_base_class_that_comes_later(load: Load) -> None:
    module = load(SOURCE)
    plan = plan_of(module.C)
    assert payloads(plan, copied(EVENT)) == SENT
    below = type("Below", (AsyncConsumer,), {"send": other_send})
    for bases in [
        (module.Base, below),
        (type("Before", (), {"send_json": other_send}), module.Base),
        (type("Handles", (module.Base,), {"encode_json": other_send}),),
    ]:
        module.C.__bases__ = bases
        assert plan.run(copied(EVENT)) is None
    module.C.__bases__ = (module.Base,)
    assert payloads(plan, copied(EVENT)) == SENT


def test_constant_that_is_set_to_an_equal_one(load: Load) -> None:
    module = load(
        "N = 1000\nclass C(AsyncWebsocketConsumer):\n"
        "    async def h(self, event):\n        await self.send(str(N))\n"
    )
    assert payloads(plan_of(module.C), copied(EVENT)) == ("1000",)
    module.N = 1000.0
    assert plan_of(module.C).run(copied(EVENT)) is None


def test_encoder_of_django_that_is_changed(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    module = load("""
        from django.core.serializers.json import DjangoJSONEncoder
        class C(AsyncWebsocketConsumer):
            async def h(self, event):
                await self.send(json.dumps(event["text"], cls=DjangoJSONEncoder))
    """)
    assert payloads(plan_of(module.C), copied(EVENT)) == ('"hello"',)
    monkeypatch.setattr(module.DjangoJSONEncoder, "default", print)
    assert plan_of(module.C).run(copied(EVENT)) is None


def test_handler_that_is_replaced_is_examined_itself(load: Load) -> None:
    module = load(
        SOURCE + "    async def other(self, event):\n        await self.send(event['text'])\n"
    )
    plan = plan_of(module.C)
    assert payloads(plan, copied(EVENT)) == SENT
    module.C.h = module.C.other
    assert payloads(plan, copied(EVENT)) == ("hello",)
    run = plan.run(copied(EVENT))
    assert run is not None and run.methods[0] == ("h", module.C.other)


EDITS = {
    "another line": ("PREFIX = ", "\nPREFIX = "),
    "another constant": ("len(event)", "len('x')"),
    "a constant of another type": ("event, 1)", "event, 1.0)"),
    "another comprehension": ("x for x in event", "x + 'x' for x in event"),
    "another name": ("str(", "int("),
    "nothing left": ("class C", "class D"),
}


@pytest.mark.parametrize(("old", "new"), EDITS.values(), ids=EDITS)
def test_file_that_is_edited_after_its_import(load: Load, old: str, new: str) -> None:
    text = SOURCE + (
        "        await self.send(str((event, 1)))\n"
        "        await self.send(''.join(x for x in event))\n"
    )
    module = load(text)
    path = Path(str(module.__file__))
    path.write_text(HEADER + text.replace(old, new) if new != "class D" else "")
    linecache.checkcache(str(path))
    assert old in text
    verdict = examine(module.C, "h")
    assert not verdict.is_shared
    assert "source" in verdict.reason
    assert plan_of(module.C).run(copied(EVENT)) is None


def test_file_that_is_gone(load: Load) -> None:
    module = load(SOURCE)
    Path(str(module.__file__)).unlink()
    linecache.checkcache()
    assert examine(module.C, "h").reason == "has no source that could be read"


def test_file_that_is_no_python_any_more(load: Load) -> None:
    module = load(SOURCE)
    Path(str(module.__file__)).write_text("class (")
    assert examine(module.C, "h").reason == "has a source that could not be compiled"


def test_proof_outlives_an_edit(load: Load) -> None:
    module = load(SOURCE)
    assert payloads(plan_of(module.C), copied(EVENT)) == SENT
    Path(str(module.__file__)).write_text("")
    assert payloads(plan_of(module.C), copied(EVENT)) == SENT


def early(script: str) -> None:
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_what_was_replaced_early_is_unknown() -> None:
    """In another process: what is known is found out when casgi is imported."""
    script = """
import json, sys, types
original = json.dumps
json.dumps = lambda value: original(value)
from casgi.channels.sharing.known_functions import known
assert known(json.dumps) is None and known(original) is None and known(len) is not None
"""
    early(script)
    script = """
import json
exec("def loads(s): return id(s)", vars(json))
from casgi.channels.sharing.known_functions import known
assert known(json.loads) is None
"""
    early(script)
    script = """
import sys, types
source = "def escape(s, quote=True): return s + str(id(s))"
(html := types.ModuleType("html")).__file__ = "/project/html.py"
exec(compile(source, html.__file__, "exec"), vars(html))
sys.modules["html"] = html
sys.modules["json"] = types.ModuleType("json")
json = sys.modules["json"]
json.__file__ = "/project/json.py"
exec(compile("def dumps(value): return str(id(value))", json.__file__, "exec"), vars(json))
import casgi.channels.sharing.known_functions as known_functions
assert known_functions.known(html.escape) is None and known_functions.known(json.dumps) is None
"""
    early(script)
    script = """
from channels.consumer import AsyncConsumer
original = AsyncConsumer.send
async def send(self, message):
    await original(self, {**message, "text": str(id(self))})
AsyncConsumer.send = send
from casgi.channels.sharing.consumer_rules import OWN
assert OWN is None
"""
    early(script)
