"""Bases as `abc.ABC` and `Generic`, and constants of plain classes: what stays per consumer."""

import abc
from collections.abc import Callable
from types import ModuleType

import pytest
from members import ALICE, EVENT, Load, copied, payloads, seen_by, shared_with

from casgi.channels.sharing import examine, plan_of

BEFORE = """
import abc
import contextvars
import typing
current = contextvars.ContextVar("current", default="nobody")
T = typing.TypeVar("T")
def enter(name):
    current.set(name)
class Own(str):
    __str__ = __repr__ = lambda self: current.get()
"""
HANDLER = """
    async def h(self, event):
        await self.send_json(self.line(event["text"]))
    def line(self, text):
        return self.marked(text)
    @staticmethod
    def marked(text):
        return [text]
"""
BASES = {
    "ABC": "class Base(abc.ABC):\n    def unused(self):\n        return self.name",
    "metaclass": "class Base(metaclass=abc.ABCMeta):\n    pass",
    "Generic": "class Base(typing.Generic[T]):\n    pass",
    "both": "class Base(abc.ABC, typing.Generic[T]):\n    def unused(self):\n        return 1",
}


def with_base(base: str, body: str = HANDLER) -> str:
    handles = f"class Handles(AsyncJsonWebsocketConsumer):{body}"
    return f"{BEFORE}\n{base}\n{handles}\nclass C(Base, Handles):\n    pass\n"


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_base_is_shared(load: Load, base: str) -> None:
    module = load(with_base(base))
    assert examine(module.C, "h").reason == ""
    assert shared_with(ALICE, module) == [each["text"] for each in seen_by(ALICE, module)]


METHOD = "\n    def {0}(self, *args, **named):\n        return super().{0}(*args, **named)"
OF_BASES = {
    **{
        f"{name} of {kind}": f"class Base({bases}):{METHOD.format(name)}"
        for name in ("send", "dispatch", "__getattribute__", "__getattr__", "__new__", "__call__")
        for kind, bases in {"ABC": "abc.ABC", "Generic": "typing.Generic[T]"}.items()
    },
    "slots": 'class Base(abc.ABC):\n    __slots__ = ("name",)',
    "own metaclass": (
        "class Meta(abc.ABCMeta):\n    def __getattribute__(cls, name):\n"
        "        return abc.ABCMeta.__getattribute__(cls, name)\n"
        "class Base(metaclass=Meta):\n    pass"
    ),
    "empty metaclass": "class Meta(abc.ABCMeta): ...\nclass Base(metaclass=Meta): ...",
    "protocol": "class Base(typing.Protocol[T]): ...",
    "method hidden": (
        "class Base(abc.ABC):\n    @classmethod\n    def line(cls, text):\n"
        "        return current.get()"
    ),
    "abstract property": (
        "class Base(abc.ABC):\n    @property\n    @abc.abstractmethod\n    def line(self): ..."
    ),
}


@pytest.mark.parametrize("base", OF_BASES.values(), ids=OF_BASES)
def test_base_that_takes_part_is_not(load: Load, base: str) -> None:
    module = load(with_base(base))
    assert not examine(module.C, "h").is_shared
    assert plan_of(module.C).run(copied(EVENT)) is None


def answer(*args: object) -> str:
    return "patched"


CHANGES: dict[str, Callable[[ModuleType, pytest.MonkeyPatch], None]] = {
    **{
        f"{name} of the base": lambda module, patch, name=name: patch.setattr(
            module.Base, name, answer, raising=False
        )
        for name in ("send", "dispatch", "__getattribute__", "__getattr__", "line", "marked", "h")
    },
    **{
        f"{name} of ABC": lambda module, patch, name=name: patch.setattr(
            abc.ABC, name, answer, raising=False
        )
        for name in ("__getattr__", "line", "marked", "send", "base_send")
    },
    "metaclass": lambda module, patch: setattr(
        module.C, "__class__", type("Meta", (abc.ABCMeta,), {})
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_change_of_a_base(
    load: Load,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[ModuleType, pytest.MonkeyPatch], None],
) -> None:
    module = load(with_base(f"class Other(abc.ABC): ...\n{BASES['both']}"))
    plan = plan_of(module.C)
    assert payloads(plan, copied(EVENT)) == ('["hello"]',)
    with monkeypatch.context() as patch:
        change(module, patch)
        assert plan.run(copied(EVENT)) is None


# Constants of classes: what stands before, and what is sent.
NOT_CONSTANT = {
    "list": ("class K:\n    A = []", "K.A"),
    "tuple": ("class K:\n    A = (1,)", "K.A"),
    "text of its own": ("class K:\n    A = Own('a')", "str(K.A)"),
    "property": ("class K:\n    A = property(lambda self: 1)", "str(K.A)"),
    "class method": ("class K:\n    A = classmethod(lambda cls: current.get())", "K.A()"),
    "lambda": ("class K:\n    A = lambda: current.get()", "K.A()"),
    "static method": ("class K:\n    A = staticmethod(lambda: current.get())", "K.A()"),
    "descriptor": (
        "class D:\n    def __get__(self, one, owner):\n        return current.get()\n"
        "class K:\n    A = D()",
        "K.A",
    ),
    "text with __get__": (
        "class D(str):\n    def __get__(self, one, owner):\n        return current.get()\n"
        "class K:\n    A = D('a')",
        "K.A",
    ),
    "metaclass": (
        "class Meta(type):\n    def __getattribute__(cls, name):\n        return current.get()\n"
        "class K(metaclass=Meta):\n    A = 'a'",
        "K.A",
    ),
    "property of a metaclass": (
        "class Meta(type):\n    A = property(lambda cls: current.get())\n"
        "class K(metaclass=Meta):\n    A = 'a'",
        "K.A",
    ),
    "__getattr__ of a metaclass": (
        "class Meta(type):\n    def __getattr__(cls, name):\n        return current.get()\n"
        "class K(metaclass=Meta):\n    pass",
        "K.A",
    ),
    "instance": ("class K:\n    A = 'a'\nK = K()", "K.A"),
    "hidden by a subclass": (
        "class Base:\n    A = 'a'\nclass K(Base):\n    A = property(lambda self: 1)",
        "str(K.A)",
    ),
    "annotation only": ("class K:\n    A: str", "K.A"),
    "slot": ("class K:\n    __slots__ = ('A',)", "str(K.A)"),
    "class in a class": ("class K:\n    class A: ...", "str(K.A)"),
    "attribute of a constant": ("class K:\n    A = 1", "K.A.real"),
    "name of the class": ("class K: ...", "K.__name__"),
    "names of the class": ("class K:\n    A = 1", "str(K.__dict__)"),
    "documentation": ("class K:\n    '''Text.'''", "K.__mro__"),
    "assigned by a function": (
        "class K:\n    A = 'a'\ndef change():\n    global K\n    K = None",
        "K.A",
    ),
}


@pytest.mark.parametrize(("before", "sent"), NOT_CONSTANT.values(), ids=NOT_CONSTANT)
def test_what_is_no_constant(load: Load, before: str, sent: str) -> None:
    body = f"\n    async def h(self, event):\n        await self.send_json({sent})\n"
    module = load(f"{BEFORE}\n{before}\nclass C(AsyncJsonWebsocketConsumer):{body}")
    assert not examine(module.C, "h").is_shared
    assert plan_of(module.C).run(copied(EVENT)) is None
