"""Members of enums: `Kind.NOTE.value`, `Kind.NOTE.name`, and `Kind.NOTE` as a text or number.

A member is found in the namespace of its class, and what it is named and worth in its own
attributes: all of that are facts. The value and the name count when no class of the member takes
part in that lookup but `enum.Enum`, with its own properties.

The member itself counts as plain when it is of one of the KINDS and its class adds nothing that an
operation on a text or number could reach: then it is a str or int whose `__str__`, `__format__`
and `__repr__` are Python's or Django's own. What these read are facts, too: the member's name and
value, and the names of its class. Members of other enums are no plain values.
"""

import ast
import enum
import sys
from collections.abc import Iterator
from types import (
    FunctionType,
    GetSetDescriptorType,
    MethodDescriptorType,
    ModuleType,
    WrapperDescriptorType,
)

from casgi.channels.sharing.facts import ABSENT, Fact, Facts, is_class, mro_of, namespace_of
from casgi.channels.sharing.libraries import Library, is_inert, is_static, remembered
from casgi.channels.sharing.rules.classes import class_of
from casgi.channels.sharing.rules.plain import is_plain
from casgi.channels.sharing.rules.scope import Scope

DJANGO = "django.db.models.enums"
PARTS = {"value": "_value_", "name": "_name_"}
# By which a class takes part in the lookup of its members and of their attributes.
DECISIVE = ("__getattribute__", "__getattr__", "__get__", "__class__")
# Static types that take no part in it; other ones may.
STATIC = (object, str, int, float, bytes, tuple)
# What a metaclass must not answer in the place of its class.
OF_CLASSES = ("__getattribute__", "__name__", "__qualname__", "_value_repr_")
# What operations on a text or number reach.
SPECIAL = frozenset({"__str__", "__format__", "__repr__", "__hash__"})
# What enum classes have, and no operation on a text or number reaches.
UNUSED = frozenset(
    {
        *["__module__", "__doc__", "__firstlineno__", "__static_attributes__", "__annotations__"],
        *["__new__", "__init__", "__dir__", "__reduce_ex__", "__deepcopy__", "__copy__"],
        *["__signature__", "__new_member__", "__dict__", "__weakref__", "_value_repr_"],
        *["_generate_next_value_", "_missing_", "_add_alias_", "_add_value_alias_"],
        *["_new_member_", "_use_args_", "_member_names_", "_member_map_", "_value2member_map_"],
        *["_unhashable_values_", "_hashable_values_", "_unhashable_values_map_", "_member_type_"],
    }
)
# What those of Python and Django have besides.
OF_LIBRARIES = frozenset({"name", "value", "label", "do_not_call_in_templates"})


def is_part_of_member(scope: Scope, owner: ast.Name, node: ast.Attribute) -> bool:
    """Whether this is the value or name of a member, and a plain value."""
    cls, member = class_of(scope, owner), node.value
    if cls is None or node.attr not in PARTS or not isinstance(member, ast.Attribute):
        return False
    attributes = _attributes(scope.prover.facts, cls, member.attr)
    if attributes is None or not is_plain(attributes.get(PARTS[node.attr], ABSENT)):
        return False
    if not _is_of_enum(scope.prover.facts, cls, node.attr):
        return False
    scope.lookups.attributes |= {member.attr, node.attr}
    return True


def is_plain_member(scope: Scope, owner: type, name: str) -> bool:
    """Whether a member of an enum is itself a text or number in all that can be done with it."""
    facts = scope.prover.facts
    attributes = _attributes(facts, owner, name)
    if attributes is None or not any(mro_of(owner)[1:] == kind for kind in _kinds()):
        return False
    if not all(is_plain(attributes.get(part, ABSENT)) for part in PARTS.values()):
        return False
    if not all(type(each) is str for each in facts.class_names(owner)):
        return False
    if not _adds_nothing(facts, owner) or not all(
        _is_of_library(facts, base) for base in mro_of(owner)[1:] if not is_static(base)
    ):
        return False
    scope.lookups.attributes.add(name)
    return True


def _attributes(facts: Facts, owner: type, name: str) -> dict[str, object] | None:
    """Return the attributes of a member that a class has under a name, None if it has none."""
    metaclass = facts.type_of(owner)
    if not any(metaclass is each for each in _metaclasses()):
        return None
    for base in facts.mro(metaclass):
        facts.type_of(base)
        if not is_static(base):
            if any(facts.name(base, each) is not ABSENT for each in (*OF_CLASSES, name)):
                return None
        elif name in namespace_of(base):
            return None
    facts.mro(owner)
    member, members = facts.name(owner, name), facts.name(owner, "_member_map_")
    if facts.type_of(member) is not owner or type(members) is not dict:
        return None
    if facts.name(members, name) is not member or not _is_plainly_found(facts, owner):
        return None
    return facts.attributes(member)


def _is_plainly_found(facts: Facts, owner: type) -> bool:
    """Whether no class of a member takes part in its lookup, or in that of its attributes."""
    for base in mro_of(owner):
        if is_static(base):
            if not any(base is each for each in STATIC):
                return False
            continue
        if any(facts.name(base, each) is not ABSENT for each in (*DECISIVE, *PARTS.values())):
            return False
        raw = facts.name(base, "__dict__")
        if raw is not ABSENT and not (
            type(raw) is GetSetDescriptorType
            and raw.__name__ == "__dict__"
            and raw.__objclass__ is base
        ):
            return False
    return True


def _is_of_enum(facts: Facts, owner: type, name: str) -> bool:
    """Whether `value` or `name` of members is the property that Python's own Enum defines."""
    for base in mro_of(owner):
        if base is not enum.Enum and facts.name(base, name) is not ABSENT:
            return False
    own = facts.name(enum.Enum, name)
    if not any(base is enum.Enum for base in mro_of(owner)) or type(own) is not enum.property:
        return False

    def find() -> tuple[Fact, ...]:
        found = Facts()
        Library(found).rely_on(own)
        return found.all()

    facts.include(remembered((enum.Enum, name, id(own)), find))
    return _is_function(own.fget, f"Enum.{name}")


def _adds_nothing(facts: Facts, owner: type) -> bool:
    """Whether a class of members has only members, and what every enum has."""
    for name, value in facts.names(owner).items():
        if name in SPECIAL:
            if not any(value is namespace_of(base).get(name) for base in mro_of(owner)[1:]):
                return False
        elif name not in UNUSED and type(value) is not owner:
            return False
    return is_inert(namespace_of(owner).get("_value_repr_"))


def _is_of_library(facts: Facts, base: type) -> bool:
    """Whether a base of an enum is as Python or Django define it, in what operations reach."""
    library = Library(facts)
    for name, value in facts.names(base).items():
        if name in SPECIAL:
            if not _is_special(base, name, value):
                return False
            library.rely_on(value)
        elif name not in UNUSED | OF_LIBRARIES:
            return False
    return is_inert(namespace_of(base).get("_value_repr_"))


def _is_special(base: type, name: str, value: object) -> bool:
    """Whether a special method of a base is that of an enum, or of a type of C below it."""
    if isinstance(value, WrapperDescriptorType | MethodDescriptorType):
        return any(value.__objclass__ is each for each in mro_of(base))
    return any(_is_function(value, f"{each.__name__}.{name}") for each in mro_of(base))


def _is_function(value: object, qualified: str) -> bool:
    """Whether this is a function of that name which Python or Django define for enums."""
    return (
        type(value) is FunctionType
        and any(value.__globals__ is vars(module) for module in _modules())
        and value.__code__.co_qualname == qualified
    )


def _metaclasses() -> Iterator[type]:
    yield enum.EnumType
    yield from _of_django("ChoicesType")


def _kinds() -> Iterator[tuple[type, ...]]:
    """Yield the MROs that come after a class whose members are texts or numbers."""
    for plain in (str, int):
        yield (plain, enum.Enum, object)
    for owner in (enum.StrEnum, enum.IntEnum, *_of_django("TextChoices", "IntegerChoices")):
        yield mro_of(owner)


def _modules() -> Iterator[ModuleType]:
    """Yield Python's and Django's modules of enums."""
    yield enum
    module = sys.modules.get(DJANGO)
    if type(module) is ModuleType:
        yield module


def _of_django(*names: str) -> Iterator[type]:
    """Yield classes of Django's, when it has them."""
    for module in (each for each in _modules() if each is not enum):
        found = (vars(module).get(name) for name in names)
        yield from (each for each in found if is_class(each))
