"""Members of enums as constants: what is shared, what is not, and what ends it."""

import enum
import types
from types import ModuleType
from typing import Any

import pytest
from members import ALICE, EVENT, Load, copied, payloads, seen_by, shared_with
from test_changes import Change

from casgi.channels.sharing import examine, plan_of

BEFORE = """
import contextvars
import enum
from enum import Enum, Flag, IntEnum, IntFlag, StrEnum
from django.db.models import IntegerChoices, TextChoices
current = contextvars.ContextVar("current", default="nobody")
def enter(name):
    current.set(name)
class Own(str):
    __str__ = __repr__ = lambda self: current.get()
    __format__ = lambda self, spec: current.get()
"""
PLAIN = {
    "text": 'class Kind(str, Enum):\n    NOTE = "note"',
    "StrEnum": 'class Kind(StrEnum):\n    NOTE = "note"\n    OTHER = enum.auto()',
    "number": "class Kind(int, Enum):\n    NOTE = 1",
    "IntEnum": "class Kind(IntEnum):\n    NOTE = 1",
    "TextChoices": 'class Kind(TextChoices):\n    NOTE = "note", "A note"',
    "IntegerChoices": "class Kind(IntegerChoices):\n    NOTE = 1, 'A note'",
    "alias": 'class Kind(StrEnum):\n    FIRST = "note"\n    NOTE = "note"',
    "functional": 'Kind = StrEnum("Kind", {"NOTE": "note"})',
    "made by __new__": (
        "class Kind(str, Enum):\n    def __new__(cls, value, label):\n"
        "        member = str.__new__(cls, value)\n        member._value_ = value\n"
        '        member.label = label\n        return member\n    NOTE = "note", "A note"'
    ),
}
WITH_VALUE = {
    **PLAIN,
    "Enum": 'class Kind(Enum):\n    NOTE = "note"\n    ALIAS = "note"',
    "own methods": (
        'class Kind(Enum):\n    NOTE = "note"\n'
        "    def describe(self):\n        return current.get()\n"
        "    __str__ = describe"
    ),
    "mixin": (
        "class Mixin:\n    def describe(self):\n        return 1\n"
        'class Kind(Mixin, Enum):\n    NOTE = "note"'
    ),
    "own base": 'class Base(Enum):\n    pass\nclass Kind(Base):\n    NOTE = "note"',
    "flag": "class Kind(Flag):\n    NOTE = 1\n    OTHER = 2",
}
ITSELF = (
    '[Kind.NOTE, str(Kind.NOTE), f"{Kind.NOTE}", f"{Kind.NOTE:>9}", "{}".format(Kind.NOTE),'
    ' "%s" % Kind.NOTE, str([Kind.NOTE]), {Kind.NOTE: 1}, Kind.NOTE == event["text"],'
    " Kind.NOTE * 2, [Kind.NOTE in [1], not Kind.NOTE]]"
)
PARTS = "[Kind.NOTE.value, Kind.NOTE.name, {Kind.NOTE.value: Kind.NOTE.name}]"


def consumer(kind: str, sent: str) -> str:
    """Return a module of an enum, and a handler that sends what an expression gives."""
    return (
        f"{BEFORE}\n{kind}\nclass C(AsyncJsonWebsocketConsumer):\n"
        f"    async def h(self, event):\n        await self.send_json({sent})\n"
    )


def check_shared(module: ModuleType) -> None:
    assert examine(module.C, "h").reason == ""
    frames = shared_with(ALICE, module)
    assert frames == [each["text"] for each in seen_by(ALICE, module)]


@pytest.mark.parametrize("kind", PLAIN.values(), ids=PLAIN)
def test_text_or_number_is_shared_as_it_is(load: Load, kind: str) -> None:
    check_shared(load(consumer(kind, ITSELF)))


@pytest.mark.parametrize("kind", WITH_VALUE.values(), ids=WITH_VALUE)
def test_value_and_name_are_shared(load: Load, kind: str) -> None:
    check_shared(load(consumer(kind, PARTS)))


PROPERTY = "    @property\n    def {0}(self):\n        return current.get()"
LOOKUP = (
    "    def __getattribute__(self, name):\n"
    "        return current.get() if name == 'x' else super().__getattribute__(name)"
)
METHOD = "    def {0}(self, *args):\n        return current.get()"
TEXT = 'class Kind(str, Enum):\n    NOTE = "note"\n'
MEMBER = 'class Kind(Enum):\n    NOTE = "note"\n'
META = "class Meta(enum.EnumType):\n    {0}\n"
OF_META = 'class Kind(str, Enum, metaclass=Meta):\n    NOTE = "note"'
# By what is sent; each differs from member to member, or could.
REFUSED = {
    "member of a plain enum": (MEMBER, "Kind.NOTE"),
    "member of a flag": ("class Kind(IntFlag):\n    NOTE = 1", "Kind.NOTE"),
    "both of a flag": ("class Kind(IntFlag):\n    NOTE = 1\n    B = 2", "Kind.NOTE | Kind.B"),
    "number of a float": ("class Kind(float, Enum):\n    NOTE = 1.5", "Kind.NOTE"),
    **{
        f"own {name}": (TEXT + METHOD.format(name), 'f"{Kind.NOTE}"')
        for name in (
            *["__str__", "__format__", "__repr__", "__hash__", "__eq__", "__radd__", "__html__"],
            *["__getattr__", "__call__", "upper"],
        )
    },
    "property of an own name": (TEXT + PROPERTY.format("label"), "Kind.NOTE"),
    "property of an own class": (TEXT + PROPERTY.format("__class__"), "Kind.NOTE"),
    "property value": (MEMBER + PROPERTY.format("value"), "Kind.NOTE.value"),
    "property name": (MEMBER + PROPERTY.format("name"), "Kind.NOTE.name"),
    "enum.property value": (
        MEMBER + PROPERTY.format("value").replace("@", "@enum."),
        "Kind.NOTE.value",
    ),
    "own __getattribute__": (MEMBER + LOOKUP, "Kind.NOTE.value"),
    "own __getattr__": (MEMBER + METHOD.format("__getattr__"), "Kind.NOTE.value"),
    "own __get__": (MEMBER + METHOD.format("__get__"), "Kind.NOTE.value"),
    "property value of a mixin": (
        f"class Mixin:\n{PROPERTY.format('value')}\nclass Kind(Mixin, Enum):\n    NOTE = 1",
        "Kind.NOTE.value",
    ),
    "__str__ of a mixin": (
        f"class Mixin:\n{METHOD.format('__str__')}\nclass Kind(Mixin, StrEnum):\n    NOTE = 'n'",
        'f"{Kind.NOTE}"',
    ),
    "text of a mixin": ("class Kind(Own, Enum):\n    NOTE = 'n'", 'f"{Kind.NOTE}"'),
    "__getattribute__ of a base": (
        f"class Base(Enum):\n{LOOKUP}\nclass Kind(Base):\n    NOTE = 1",
        "Kind.NOTE.value",
    ),
    "list": ("class Kind(Enum):\n    NOTE = [1]", "Kind.NOTE.value"),
    "tuple with a list": ("class Kind(Enum):\n    NOTE = (1, [])", "Kind.NOTE.value"),
    "dict": ("class Kind(Enum):\n    NOTE = {}", "Kind.NOTE.value"),
    "value of a subclass": ("class Kind(Enum):\n    NOTE = Own('n')", "Kind.NOTE.value"),
    "value of a subclass in a text": (TEXT + "Kind.NOTE._value_ = Own('n')", "str([Kind.NOTE])"),
    "function": ("class Kind(Enum):\n    NOTE = enum.member(print)", "Kind.NOTE.value"),
    "no member": (TEXT + "    OTHER = enum.nonmember(Own('n'))", "Kind.OTHER"),
    "member that is none": (MEMBER + "type.__setattr__(Kind, 'NOTE', 1)", "Kind.NOTE.value"),
    "metaclass": (META.format("pass") + OF_META, "Kind.NOTE"),
    "value by a metaclass": (META.format("pass") + OF_META, "Kind.NOTE.value"),
    "metaclass that answers": (
        META.format(
            "__getattribute__ = lambda cls, name: enum.EnumType.__getattribute__(cls, name)"
        )
        + OF_META,
        "Kind.NOTE",
    ),
    "class of another name": (TEXT + "Kind.__name__ = Own('K')", 'f"{Kind.NOTE}"'),
    "member by its value": (TEXT, 'Kind("note")'),
    "member by its name": (TEXT, 'Kind["NOTE"]'),
    "all members": (TEXT, "[str(each) for each in Kind]"),
    "members": (TEXT, "Kind.__members__"),
    "other attribute": (TEXT, "Kind.NOTE._value_"),
    "label": ("class Kind(TextChoices):\n    NOTE = 'n', 'A note'", "Kind.NOTE.label"),
    "choices": ("class Kind(TextChoices):\n    NOTE = 'n', 'A note'", "Kind.choices"),
    "class that a function assigns": (
        TEXT + "def change():\n    global Kind\n    Kind = None",
        "Kind.NOTE.value",
    ),
}


@pytest.mark.parametrize(("kind", "sent"), REFUSED.values(), ids=REFUSED)
def test_what_could_differ_runs_for_each_consumer(load: Load, kind: str, sent: str) -> None:
    module = load(consumer(kind, sent))
    assert not examine(module.C, "h").is_shared
    assert plan_of(module.C).run(copied(EVENT)) is None


def test_a_text_itself_is_no_frame(load: Load) -> None:
    """Only exact texts are: what a subclass of str makes of it, the server decides as always."""
    text = consumer(PLAIN["text"], "1").replace("send_json(1)", "send(Kind.NOTE)")
    assert plan_of(load(text).C).run(copied(EVENT)) is None


def setting(path: str, name: str, value: Any) -> Change:
    """Return what sets an attribute of what a path in a library leads to."""

    def change(module: ModuleType, patch: pytest.MonkeyPatch) -> None:
        first, *rest = path.split(".")
        holder: Any = {"enum": enum, "types": types}[first]
        for part in rest:
            holder = vars(holder)[part]
        patch.setattr(holder, name, value, raising=False)

    return change


def in_class(name: str, value: object) -> Change:
    """Return what changes the class, which is there for one test only."""
    return lambda module, patch: setattr(module.Kind, name, value)


def in_dict(name: str, key: str, value: object) -> Change:
    return lambda module, patch: vars(module.Kind)[name].update({key: value})


def through_type(name: str, value: object) -> Change:
    """Return what changes a class past its metaclass."""
    return lambda module, patch: type.__setattr__(module.Kind, name, value)


class OwnName(str):
    """A text that answers for itself."""

    def __str__(self) -> str:
        return "patched"


def answer(*args: object) -> str:
    return "patched"


def in_member(name: str, value: object) -> Change:
    return lambda module, patch: patch.setitem(vars(module.Kind.NOTE), name, value)


CHANGES: dict[str, Change] = {
    "value": in_member("_value_", "other"),
    "value that is equal": in_member("_value_", OwnName("note")),
    "value that can change": in_member("_value_", []),
    "name": in_member("_name_", "OTHER"),
    "attribute of the member": in_member("more", 1),
    "value in the member": in_member("value", "other"),
    "map of members": in_dict("_member_map_", "NOTE", None),
    "member": through_type("NOTE", "other"),
    "map": through_type("_member_map_", {}),
    "name of the class": in_class("__name__", OwnName("Kind")),
    "qualified name of the class": in_class("__qualname__", OwnName("Kind")),
    **{
        f"{name} of the class": in_class(name, answer)
        for name in (
            *["__str__", "__format__", "__repr__", "__hash__", "__getattribute__", "__getattr__"],
            *["__eq__", "__radd__", "__html__", "__call__", "upper", "value", "name", "_value_"],
            *["_value_repr_", "__get__"],
        )
    },
    **{
        f"{name} of Enum": setting("enum.Enum", name, property(answer))
        for name in (
            *["value", "name", "__getattribute__", "__getattr__", "_value_", "__str__"],
            *["__format__", "__repr__", "__radd__", "__html__"],
        )
    },
    "getter of value": setting("enum.Enum.value", "fget", answer),
    "code of the getter of value": lambda module, patch: patch.setattr(
        vars(enum.Enum)["value"].fget, "__code__", (lambda self: "patched").__code__
    ),
    "code of __str__": lambda module, patch: patch.setattr(
        enum.Enum.__str__, "__code__", (lambda self: "patched").__code__
    ),
    "code of __format__": lambda module, patch: patch.setattr(
        enum.Enum.__format__, "__code__", (lambda self, spec: "patched").__code__
    ),
    "class of value": setting("enum.property", "__get__", answer),
    "base of that class": setting("types.DynamicClassAttribute", "__getattribute__", answer),
    "__getattribute__ of EnumType": setting("enum.EnumType", "__getattribute__", answer),
    "name in EnumType": setting("enum.EnumType", "NOTE", property(answer)),
    "class": lambda module, patch: patch.setattr(
        module, "Kind", enum.Enum("Kind", {"NOTE": "note"}, type=str)
    ),
    "class of the member": lambda module, patch: setattr(
        module.Kind.NOTE, "__class__", enum.Enum("Other", {"NOTE": "note"}, type=str)
    ),
    "metaclass": in_class("__class__", type("Meta", (enum.EnumType,), {})),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_change_ends_sharing(load: Load, monkeypatch: pytest.MonkeyPatch, change: Change) -> None:
    sent = '[f"{Kind.NOTE}", str([Kind.NOTE]), Kind.NOTE, Kind.NOTE.value, Kind.NOTE.name]'
    module = load(consumer(PLAIN["text"], sent))
    plan = plan_of(module.C)
    expected = ('["Kind.NOTE", "[<Kind.NOTE: \'note\'>]", "note", "note", "NOTE"]',)
    assert payloads(plan, copied(EVENT)) == expected
    with monkeypatch.context() as patch:
        change(module, patch)
        assert plan.run(copied(EVENT)) is None


@pytest.mark.parametrize("kind", PLAIN.values(), ids=PLAIN)
def test_method_that_comes_later(load: Load, kind: str) -> None:
    module = load(consumer(kind, "Kind.NOTE"))
    assert plan_of(module.C).run(copied(EVENT)) is not None
    module.Kind.__str__ = answer
    assert plan_of(module.C).run(copied(EVENT)) is None
    assert not examine(load(consumer(kind, "1")).C, "missing").is_shared


def test_enum_that_was_changed_before(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("__str__", "__format__", "__radd__", "value"):
        with monkeypatch.context() as patch:
            patch.setattr(enum.Enum, name, answer, raising=False)
            sent = "Kind.NOTE.value" if name == "value" else "Kind.NOTE"
            assert not examine(load(consumer(PLAIN["StrEnum"], sent)).C, "h").is_shared


@pytest.mark.parametrize("name", ["__str__", "__format__", "__radd__", "__getattr__"])
def test_choices_of_django_that_are_changed(
    load: Load, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    module = load(consumer(PLAIN["TextChoices"], "Kind.NOTE"))
    for owner in module.TextChoices.__mro__[:2]:
        assert payloads(plan_of(module.C), copied(EVENT)) == ('"note"',)
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, answer, raising=False)
            assert plan_of(module.C).run(copied(EVENT)) is None
            assert not examine(load(consumer(PLAIN["TextChoices"], "Kind.NOTE")).C, "h").is_shared
