"""What a proof relies on outside of the text that it read: facts, which are checked in each run.

A proof reads names and asks what they stand for. All of that can change while the program runs, by
assignment or by a change of the object itself: `json.dumps = other`, `json.dumps.__code__ = other`,
`json.__class__ = Lazy`, `JSONEncoder.encode = other`. So whatever a proof looks at becomes a fact,
and a handler runs once only while every fact holds. They are compared by identity, in C
(`casgi._core.first_broken`): what is merely equal can behave in another way.

Classes are read by the descriptors of `type` itself, since a metaclass can answer for its classes.
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from types import CellType, FunctionType
from typing import TypeGuard, cast

from casgi import _core

ABSENT = object()
Fact = tuple[int, object, str, object]


class Kind(IntEnum):
    """As enum fact_kind in csrc/channels/facts.c, where they are explained."""

    NAME = 0
    ABSENT = 1
    SIZE = 2
    TYPE = 3
    MRO = 4
    CODE = 5
    DEFAULTS = 6
    KEYWORD_DEFAULTS = 7
    CELL = 8
    ATTRIBUTES = 9
    CLASS_NAME = 10
    QUALIFIED_NAME = 11
    WRAPPED = 12


def mro_of(owner: type) -> tuple[type, ...]:
    """Return a class's MRO, whatever its metaclass says."""
    mro: tuple[type, ...] = type.__dict__["__mro__"].__get__(owner)
    return mro


def is_class(value: object) -> TypeGuard[type]:
    """Whether this is a class, whatever it says of itself."""
    return issubclass(type(value), type)


def namespace_of(owner: type) -> Mapping[str, object]:
    """Return what a class itself defines, whatever its metaclass says."""
    namespace: Mapping[str, object] = type.__dict__["__dict__"].__get__(owner)
    return namespace


def _names_of(holder: Mapping[str, object] | type) -> Mapping[str, object]:
    return namespace_of(holder) if is_class(holder) else cast("Mapping[str, object]", holder)


class Facts:
    """The facts of one proof. Each method looks at something and remembers what it saw."""

    def __init__(self) -> None:
        self._facts: dict[tuple[Kind, int, str], Fact] = {}

    def __len__(self) -> int:
        return len(self._facts)

    def all(self) -> tuple[Fact, ...]:
        """Return the facts, for `first_broken`."""
        return tuple(self._facts.values())

    def include(self, facts: tuple[Fact, ...]) -> None:
        """Take over the facts of another proof."""
        for kind, holder, name, value in facts:
            self._add(Kind(kind), holder, value, name)

    def _add(self, kind: Kind, holder: object, value: object, name: str = "") -> None:
        self._facts.setdefault((kind, id(holder), name), (int(kind), holder, name, value))

    def name(self, holder: dict[str, object] | type, name: str) -> object:
        """Return what a dict, or a class itself, has under a name; else ABSENT."""
        names = _names_of(holder)
        value = names.get(name, ABSENT)
        if value is ABSENT:
            self._add(Kind.ABSENT, holder, None, name)
        else:
            self._add(Kind.NAME, holder, value, name)
        return value

    def names(self, holder: dict[str, object] | type) -> Mapping[str, object]:
        """Return all that a dict, or a class itself, has; nothing may be added either."""
        names = _names_of(holder)
        for name in names:
            self.name(holder, name)
        self._add(Kind.SIZE, holder, len(names))
        return names

    def type_of(self, value: object) -> type:
        """Return an object's type."""
        self._add(Kind.TYPE, value, type(value))
        return type(value)

    def mro(self, owner: type) -> tuple[type, ...]:
        """Return a class's MRO."""
        mro = mro_of(owner)
        self._add(Kind.MRO, owner, mro)
        return mro

    def class_names(self, owner: type) -> tuple[str, str]:
        """Return the `__name__` and the `__qualname__` of a class, whatever its metaclass says."""
        name: str = type.__dict__["__name__"].__get__(owner)
        qualified: str = type.__dict__["__qualname__"].__get__(owner)
        self._add(Kind.CLASS_NAME, owner, name)
        self._add(Kind.QUALIFIED_NAME, owner, qualified)
        return name, qualified

    def function(self, function: FunctionType) -> Iterable[object]:
        """Look at a function's code and defaults; return the defaults."""
        keyword_defaults = function.__kwdefaults__
        self._add(Kind.CODE, function, function.__code__)
        self._add(Kind.DEFAULTS, function, function.__defaults__)
        self._add(Kind.KEYWORD_DEFAULTS, function, keyword_defaults)
        named = () if keyword_defaults is None else self.names(keyword_defaults).values()
        return [*(function.__defaults__ or ()), *named]

    def wrapped(self, method: object, name: str = "__func__") -> object:
        """Return the function in a static method, class method or property."""
        function: object = getattr(method, name)
        self._add(Kind.WRAPPED, method, function, name)
        return function

    def cell(self, cell: CellType) -> object:
        """Return the value of a closure's variable, ABSENT when it has none."""
        try:
            value = cell.cell_contents
        except ValueError:
            value = ABSENT
        self._add(Kind.CELL, cell, None if value is ABSENT else value)
        return value

    def attributes(self, instance: object) -> dict[str, object]:
        """Return the attributes of an instance; none may be added either."""
        attributes: dict[str, object] = object.__getattribute__(instance, "__dict__")
        self._add(Kind.ATTRIBUTES, instance, attributes)
        self.names(attributes)
        return attributes


def first_broken(facts: tuple[Fact, ...]) -> Fact | None:
    """Return a fact that does not hold any more, None when all do."""
    index = _core.first_broken(facts)
    return None if index < 0 else facts[index]
