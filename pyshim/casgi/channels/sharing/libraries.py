"""Functions of Python's library, Django and Channels: what they look up while they run.

A known function (see `known`) is pure as its authors wrote it. Whether it still is what they wrote
hangs on everything that it reaches: names of its module, other functions, classes of objects that
it uses. All of that is followed here and becomes facts, and every function on the way must have the
code that its file says; so what was replaced before casgi was imported is found as well.
"""

import builtins
import dis
import os
import sys
from collections.abc import Callable, Hashable, Iterable
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodDescriptorType,
    ModuleType,
    WrapperDescriptorType,
)

from casgi.channels.sharing.facts import ABSENT, Fact, Facts, first_broken, is_class, mro_of
from casgi.channels.sharing.lookups import ATTRIBUTE, GLOBAL, builtins_of
from casgi.channels.sharing.rejection import Rejected
from casgi.channels.sharing.source import is_as_written
from casgi.origin.module_text import nested_code

HEAP_TYPE = 1 << 9
DESCRIPTORS: tuple[type, ...] = (
    *[ClassMethodDescriptorType, GetSetDescriptorType, MemberDescriptorType, MethodDescriptorType],
    WrapperDescriptorType,
)
# Of these, nothing can be changed.
INERT: tuple[type, ...] = (
    *DESCRIPTORS,
    *[str, bytes, int, float, bool, complex, type(None), type(...)],
)
PACKAGES = ("django", "channels", "asgiref")
# No known function reaches nearly as much.
MOST_FACTS = 1000


def is_static(owner: type) -> bool:
    """Whether this is a type of the interpreter itself, which nothing can change."""
    return not type.__dict__["__flags__"].__get__(owner) & HEAP_TYPE


def is_inert(value: object) -> bool:
    """Whether nothing of an object can be changed, whatever its class says that it is equal to."""
    return any(type(value) is inert for inert in INERT)


def is_ordinary_exception(owner: type) -> bool:
    """Whether this is a builtin exception that does not end the process."""
    return is_static(owner) and any(base is Exception for base in mro_of(owner))


def is_builtin(function: object, name: str) -> bool:
    """Whether this is the interpreter's own function, type or constant of that name."""
    if function is NotImplemented or function is Ellipsis:
        return name == str(function)
    if type(function) is BuiltinFunctionType:
        return function.__self__ is builtins and function.__name__ == name
    if not is_class(function) or not is_static(function):
        return False
    # Types of other modules have these names too, NumPy's bool among them.
    is_own = type.__dict__["__module__"].__get__(function) == "builtins"
    return is_own and function.__name__ == name


class Library:
    """Follows what functions of libraries rely on, and keeps it as facts."""

    def __init__(self, facts: Facts, opaque: Iterable[type] = ()) -> None:
        """Take where facts go, and classes that are not entered: they are looked at elsewhere."""
        self._facts = facts
        self._seen: dict[int, object] = {}
        self._entered: dict[int, type] = {id(owner): owner for owner in opaque}
        files = [os.__file__, *(_file_of(name) for name in PACKAGES if name in sys.modules)]
        self._folders = tuple(os.path.dirname(file) + os.sep for file in files)

    def rely_on(self, value: object) -> None:
        """Follow what a value relies on, or raise Rejected at what could be anything."""
        if id(value) in self._seen or is_inert(value):
            return
        self._seen[id(value)] = value
        if len(self._facts) > MOST_FACTS:
            raise Rejected("calls a function that reaches too much")
        if type(value) is FunctionType:
            self._function(value)
        elif type(value) is BuiltinFunctionType:
            self.rely_on(value.__self__)
        elif type(value) is staticmethod or type(value) is classmethod:
            self.rely_on(self._facts.wrapped(value))
        elif type(value) is property:
            for name in ("fget", "fset", "fdel"):
                self.rely_on(self._facts.wrapped(value, name))
        elif issubclass(type(value), staticmethod | classmethod | property):
            raise Rejected(f"relies on a {type(value).__name__}, which could do anything")
        elif is_class(value):
            self._class(value)
        elif type(value) is ModuleType:
            self._facts.type_of(value)
        else:
            self._object(value)

    def enter(self, owner: type) -> None:
        """Follow a class whose instances are used, with all that its classes define."""
        for base in self._facts.mro(owner):
            self._class(base)
            if not is_static(base) and id(base) not in self._entered:
                self._entered[id(base)] = base
                for value in list(self._facts.names(base).values()):
                    self.rely_on(value)

    def _class(self, owner: type) -> None:
        """Let a class through that is only asked for, as by isinstance()."""
        if not is_static(self._facts.type_of(owner)):
            raise Rejected(f"relies on {owner.__name__}, whose metaclass could do anything")

    def _function(self, function: FunctionType) -> None:
        code = function.__code__
        if not code.co_filename.startswith(self._folders):
            raise Rejected(f"relies on {code.co_name}, which was replaced")
        if not is_as_written(function):
            raise Rejected(f"relies on {code.co_name}, which was changed")
        for default in list(self._facts.function(function)):
            self.rely_on(default)
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            # What lazy arguments would lead to: of plain values none is lazy.
            if name != "lazy_func":
                self.rely_on(self._facts.cell(cell))
        for part in nested_code(code):
            self._names(function, part)

    def _names(self, function: FunctionType, code: CodeType) -> None:
        """Follow the globals that code looks up, and what it may look up in modules."""
        instructions = list(dis.get_instructions(code))
        modules = []
        for name in {each.argval for each in instructions if each.opname in GLOBAL}:
            value = self._facts.name(function.__globals__, name)
            if value is ABSENT:
                value = self._facts.name(builtins_of(function), name)
                if not is_builtin(value, name):
                    raise Rejected(f"relies on {name}(), which was replaced")
            if type(value) is ModuleType:
                modules.append(vars(value))
            self._rely_on_named(name, value)
        for name in {each.argval for each in instructions if each.opname in ATTRIBUTE}:
            for module in modules:
                if name in module:
                    self._rely_on_named(name, self._facts.name(module, name))

    def _rely_on_named(self, name: str, value: object) -> None:
        """Follow what a name stands for; what is written in C must bear it."""
        if type(value) is BuiltinFunctionType and name.removeprefix("c_") != value.__name__:
            raise Rejected(f"relies on {name}(), which was replaced")
        self.rely_on(value)

    def _object(self, value: object) -> None:
        """Follow an object: its class, and its attributes or items."""
        kind = self._facts.type_of(value)
        if kind is tuple:
            parts = list(value)  # type: ignore[call-overload]
        elif kind is dict:
            parts = list(self._facts.names(value).values())  # type: ignore[arg-type]
        elif kind is list:
            raise Rejected("relies on a list, which can change")
        else:
            self.enter(kind)
            has_attributes = type(value).__dictoffset__ != 0
            parts = list(self._facts.attributes(value).values()) if has_attributes else []
        for part in parts:
            self.rely_on(part)


# What was found out last, as long as it holds.
_known_facts: dict[Hashable, tuple[Fact, ...]] = {}


def remembered(key: Hashable, find: Callable[[], tuple[Fact, ...]]) -> tuple[Fact, ...]:
    """Return facts that were found before and hold still, else what `find` returns."""
    facts = _known_facts.get(key)
    if facts is None or first_broken(facts) is not None:
        facts = _known_facts[key] = find()
    return facts


def facts_of(function: FunctionType, opaque: Iterable[type]) -> tuple[Fact, ...]:
    """Return what a function of a library relies on, or raise Rejected."""

    def find() -> tuple[Fact, ...]:
        facts = Facts()
        Library(facts, opaque).rely_on(function)
        return facts.all()

    return remembered(function, find)


def _file_of(package: str) -> str:
    return str(sys.modules[package].__file__)
