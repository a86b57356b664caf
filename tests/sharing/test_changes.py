"""What is changed after the proof: the handler runs for each consumer from that message on."""

import builtins
import json
import json.decoder
import json.encoder
import linecache
import types
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import channels.consumer
import channels.generic.websocket
import pytest
from channels.consumer import AsyncConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer, AsyncWebsocketConsumer
from members import EVENT, HEADER, Load, copied, payloads

from casgi.channels.sharing import examine, plan_of

SOURCE = """
PREFIX = ">"
SUFFIX = "!"
class Root:
    pass
class Kinds(Root):
    NEW = "new"
class Others(Root):
    NEW = "other"
def helper(text, more="+", *, last="-"):
    return text + SUFFIX
class Base(AsyncJsonWebsocketConsumer):
    BASE = "base"
    async def later(self, text):
        await self.send(text)
class C(Base):
    KIND = "kind"
    def line(self, text):
        return [text, Kinds.NEW, self.KIND, self.BASE]
    @staticmethod
    def fixed(text):
        return text
    async def h(self, event):
        await self.send_json(json.loads(json.dumps(PREFIX + event["text"])))
        await self.send(str(len(event)))
        await self.later(helper(self.fixed("x")))
        await self.send_json(self.line("y"))
"""
SENT = ('">hello"', "5", "x!", '["y", "new", "kind", "base"]')
Change = Callable[[ModuleType, pytest.MonkeyPatch], None]


async def other_send(self, text_data=None, bytes_data=None, close=False):  # type: ignore[no-untyped-def]
    """Take the place of a method; it is not shared itself."""
    return self


class LazyModule(types.ModuleType):
    """A module that answers for itself."""

    def __getattribute__(self, name: str) -> object:
        if name == "dumps":
            return lambda value: "patched"
        return super().__getattribute__(name)


def replacing(holder: object, name: str, value: object = print) -> Change:
    """Return what puts a value under a name, taken back at the end."""
    return lambda module, patch: patch.setattr(holder, name, value, raising=False)


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
    **{
        f"name in json.encoder: {name}": replacing(json.encoder, name)
        for name in (
            *["c_make_encoder", "encode_basestring_ascii", "encode_basestring", "INFINITY"],
            *["_make_iterencode", "isinstance", "str", "float"],
        )
    },
    **{
        f"name in json.decoder: {name}": replacing(json.decoder, name)
        for name in ("scanstring", "JSONObject", "JSONArray", "scanner")
    },
    **{
        f"attribute of the default encoder: {name}": replacing(vars(json)["_default_encoder"], name)
        for name in (
            *["ensure_ascii", "key_separator", "item_separator", "sort_keys", "indent", "default"],
            *["skipkeys", "check_circular", "allow_nan", "iterencode"],
        )
    },
    **{
        f"attribute of the default decoder: {name}": replacing(vars(json)["_default_decoder"], name)
        for name in ("scan_once", "parse_float", "object_hook", "decode", "memo", "strict")
    },
    **{
        f"attribute of JSONEncoder: {name}": replacing(json.JSONEncoder, name)
        for name in (
            *["item_separator", "key_separator", "ensure_ascii", "__getattribute__", "__init__"],
            *["__getattr__", "indent", "__call__", "iterencode"],
        )
    },
    **{
        f"builtin: {name}": replacing(builtins, name)
        for name in ("super", "ValueError", "str", "len")
    },
    **{
        f"builtin hidden in Channels: {name}": replacing(channels.generic.websocket, name)
        for name in ("super", "ValueError")
    },
    **{
        f"{part} of {name}": replacing(function, part, value)
        for name, function in {
            "json.dumps": json.dumps,
            "json.loads": json.loads,
            "JSONEncoder.encode": json.JSONEncoder.encode,
            "JSONDecoder.decode": json.JSONDecoder.decode,
            "the encode_json() of Channels": AsyncJsonWebsocketConsumer.encode_json.__func__,
            "the send() of Channels": AsyncWebsocketConsumer.send,
            "the send() below": AsyncConsumer.send,
            "the send_json() of Channels": AsyncJsonWebsocketConsumer.send_json,
            "dispatch": AsyncConsumer.dispatch,
            "get_handler_name": channels.consumer.get_handler_name,
        }.items()
        for part, value in {
            "__defaults__": (False,),
            "__kwdefaults__": {"cls": None},
            "__code__": function.__code__.replace(co_name="other"),
        }.items()
    },
    "default for a keyword of json.dumps": lambda module, patch: patch.setitem(
        json.dumps.__kwdefaults__, "default", print
    ),
    "class of the default encoder": replacing(
        vars(json)["_default_encoder"], "__class__", type("Other", (json.JSONEncoder,), {})
    ),
    "class of the module json": replacing(json, "__class__", LazyModule),
    "class that super() of Channels starts from": lambda module, patch: patch.setattr(
        AsyncWebsocketConsumer.send.__closure__[0], "cell_contents", module.C
    ),
    "defaults of the handler": lambda module, patch: patch.setattr(
        module.C.h, "__defaults__", ([],)
    ),
    "helper": lambda module, patch: patch.setattr(module, "helper", print),
    "code of the helper": lambda module, patch: patch.setattr(
        module.helper, "__code__", (lambda text: str(id(text))).__code__
    ),
    "default of the helper": lambda module, patch: patch.setattr(
        module.helper, "__defaults__", ("other",)
    ),
    "keyword default of the helper": lambda module, patch: patch.setitem(
        module.helper.__kwdefaults__, "last", "other"
    ),
    "constant of the helper": lambda module, patch: patch.setattr(module, "SUFFIX", "."),
    "constant of a class": lambda module, patch: patch.setattr(module.Kinds, "NEW", "old"),
    "class of constants": lambda module, patch: patch.setattr(module, "Kinds", module.Others),
    "constant of the consumer's class": lambda module, patch: patch.setattr(module.C, "KIND", "x"),
    "constant hidden by a subclass": lambda module, patch: patch.setattr(
        module.C, "BASE", "x", raising=False
    ),
    "constant that becomes a property": lambda module, patch: patch.setattr(
        module.C, "KIND", property(lambda self: self.name)
    ),
    "own method": lambda module, patch: patch.setattr(module.C, "line", other_send),
    "own method of the base": lambda module, patch: patch.setattr(module.Base, "later", other_send),
    "own method hidden": lambda module, patch: patch.setattr(
        module.C, "later", other_send, raising=False
    ),
    "static method that is no more": lambda module, patch: patch.setattr(
        module.C, "fixed", vars(module.C)["fixed"].__func__
    ),
    "code of a static method": lambda module, patch: patch.setattr(
        module.C.fixed, "__code__", (lambda text: str(id(text))).__code__
    ),
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


def test_classes_that_are_equal_have_plans_of_their_own(load: Load) -> None:
    module = load("""
        class Meta(type):
            __eq__ = lambda self, other: True
            __hash__ = lambda self: hash("all the same")
        class C(AsyncWebsocketConsumer):
            async def h(self, event):
                await self.send(event["text"])
        class D(C, metaclass=Meta):
            def __getattribute__(self, name):
                return super().__getattribute__(name)
        class E(AsyncWebsocketConsumer, metaclass=Meta):
            async def h(self, event):
                await self.send(self.scope["user"])
    """)
    assert payloads(plan_of(module.C), copied(EVENT)) == ("hello",)
    assert len({id(plan_of(each)) for each in (module.C, module.D, module.E)}) == 3
    assert plan_of(module.D).run(copied(EVENT)) is None
    assert plan_of(module.E).run(copied(EVENT)) is None


def test_subclass_has_a_plan_of_its_own(load: Load) -> None:
    module = load(SOURCE + "class Sub(C):\n    pass\n")
    assert payloads(plan_of(module.C), copied(EVENT)) == SENT
    assert payloads(plan_of(module.Sub), copied(EVENT)) == SENT
    assert plan_of(module.Sub) is not plan_of(module.C)
    module.Sub.send = other_send
    assert plan_of(module.Sub).run(copied(EVENT)) is None
    assert payloads(plan_of(module.C), copied(EVENT)) == SENT


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


def test_function_of_the_same_name_in_the_same_module(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks like the known one from the outside, and that one was found to be sound before."""
    assert payloads(plan_of(load(SOURCE).C), copied(EVENT)) == SENT
    monkeypatch.setattr(json, "dumps", json.dumps)  # taken back at the end
    exec("def dumps(value): return str(id(value))", vars(json))
    assert not examine(load(SOURCE).C, "h").is_shared


def test_encoder_of_the_same_name_in_the_same_module(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """
        import django.core.serializers.json as encoders
        from django.core.serializers.json import DjangoJSONEncoder
        class C(AsyncWebsocketConsumer):
            async def h(self, event):
                await self.send(json.dumps(event["text"], cls=DjangoJSONEncoder))
    """
    module = load(text)
    assert payloads(plan_of(module.C), copied(EVENT)) == ('"hello"',)
    other = type("DjangoJSONEncoder", (json.JSONEncoder,), {"encode": lambda *_: "patched"})
    monkeypatch.setattr(module.encoders, "DjangoJSONEncoder", other)
    assert not examine(load(text).C, "h").is_shared


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
    assert run is not None and run.attributes[0][:2] == ("h", module.C.other)


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


def test_what_a_function_assigns_is_no_constant(load: Load) -> None:
    other = load("""
        TEXT = "x"
        def line(event):
            return "x"
        def change():
            global TEXT, line
    """)
    for sent in ("other.TEXT", "other.line(event)", "line(event)"):
        module = load(f"""
            import {other.__name__} as other
            def line(event):
                return "x"
            def change():
                global line
            class C(AsyncWebsocketConsumer):
                async def h(self, event):
                    await self.send({sent})
        """)
        assert not examine(module.C, "h").is_shared
        assert plan_of(module.C).run(copied(EVENT)) is None
