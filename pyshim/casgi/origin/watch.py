"""Whether some names still stand for what they stood for, functions unchanged: for hot paths.

It compares identities, and of functions the code and the defaults, in C. It knows nothing of files:
a watch is made when `change_in` has found all to be as it should be.
"""

import builtins
import sys
from collections.abc import Callable, Iterable, Iterator
from types import FunctionType, ModuleType
from typing import Any, TypeAlias

from casgi import _core
from casgi.origin.module_text import global_names
from casgi.origin.stand_in import original_of

Place: TypeAlias = tuple[Any, str]
"""A name, and the module, class or other object in whose namespace it is."""
Fact: TypeAlias = tuple[int, object, str, object]
"""What holds of an object: the kind, the object, a name in it, and what is there."""

# As enum fact_kind in csrc/channels/facts.c.
_NAME, _ABSENT, _SIZE, _TYPE, _CODE, _DEFAULTS, _KEYWORD_DEFAULTS = 0, 1, 2, 3, 5, 6, 7
_ATTRIBUTES, _WRAPPED = 9, 12

_NOTHING = object()


def places_in(owner: ModuleType | type) -> list[Place]:
    """Return all names of a module or class, but those that Python gives it."""
    return [(owner, name) for name in vars(owner) if name[:2] != "__"]


def places_read_by(place: Place) -> Iterator[Place]:
    """Yield where the functions at a place find the global names that they read."""
    for function in _functions_in(original_of(_value_at(place))):
        module = sys.modules.get(function.__globals__.get("__name__", ""))
        if module is None or vars(module) is not function.__globals__:
            continue
        for name in sorted(global_names(function.__code__)):
            yield module, name
            if name not in vars(module):
                yield builtins, name


class Watch:
    """What some names stand for now; a name may stand for nothing."""

    __slots__ = ("_behind", "_places", "_stand_ins", "_titles", "_within", "facts", "holds")

    holds: Callable[[], bool]
    """Whether all is as it was when the watch was made. Calls nothing of the application's."""

    def __init__(self, places: Iterable[Place]) -> None:
        self._places = tuple(places)
        self._behind = tuple(original_of(_value_at(place)) for place in self._places)
        self._within = tuple(fact for value in self._behind for fact in _facts_within(value))
        there = zip(map(_value_at, self._places), self._behind, strict=True)
        stand_ins = [value for value, behind in there if value is not behind]
        self._stand_ins = [tuple(_facts_within(value)) for value in stand_ins]
        # One function is often there under several names.
        found: dict[tuple[int, int, str, int], tuple[Fact, str]] = {}
        for place in self._places:
            for fact in _facts_of(place):
                kind, holder, name, value = fact
                found.setdefault((kind, id(holder), name, id(value)), (fact, _title(place)))
        self.facts = tuple(fact for fact, _ in found.values())
        self._titles = [title for _, title in found.values()]
        self.holds = _core.Facts(self.facts).hold

    def change(self) -> str | None:
        """Return the first name that has changed, as for a log line, or None."""
        index = _core.first_broken(self.facts)
        if index < 0:
            return None
        is_other = self.facts[index][0] in (_NAME, _ABSENT)
        return f"{self._titles[index]} was {'replaced' if is_other else 'changed'}"

    def renewed(self) -> "Watch | None":
        """Return one of the same names, if only stand-ins of ours have come or gone, else None."""
        pairs = zip(self._places, self._behind, strict=True)
        if not all(original_of(_value_at(place)) is value for place, value in pairs):
            return None
        # A tool that finds one of ours there may change that.
        facts = (self._within, *self._stand_ins)
        is_same = all(_core.first_broken(each) < 0 for each in facts)
        return Watch(self._places) if is_same else None


def _facts_of(place: Place) -> Iterator[Fact]:
    owner, name = place
    # The namespace of a class is read through the class: what vars() gives for it is no dict.
    holder = owner if isinstance(owner, type) else vars(owner)
    if not isinstance(owner, type | ModuleType):
        yield _TYPE, owner, "", type(owner)
    if name not in vars(owner):
        yield _ABSENT, holder, name, None
        return
    value = vars(owner)[name]
    yield _NAME, holder, name, value
    yield from _facts_within(value)
    if (behind := original_of(value)) is not value:
        yield from _facts_within(behind)


def _value_at(place: Place) -> Any:
    owner, name = place
    return vars(owner).get(name, _NOTHING)


def _facts_within(value: Any) -> Iterator[Fact]:
    yield from ((_WRAPPED, value, part, getattr(value, part)) for part in _parts_of(value))
    if _is_around_function(value):
        yield _ATTRIBUTES, value, "", _attributes_of(value)
        yield from _facts_of_dict(_attributes_of(value))
    for function in _functions_in(value):
        by_keyword = function.__kwdefaults__
        yield _CODE, function, "", function.__code__
        # Defaults where there were none change nothing for who has called it until now.
        if function.__defaults__:
            yield _DEFAULTS, function, "", function.__defaults__
        if by_keyword:
            yield _KEYWORD_DEFAULTS, function, "", by_keyword
            yield from _facts_of_dict(by_keyword)


def _facts_of_dict(names: dict[str, Any]) -> Iterator[Fact]:
    yield _SIZE, names, "", len(names)
    yield from ((_NAME, names, name, value) for name, value in names.items())


def _is_around_function(value: Any) -> bool:
    """Whether this is an object that calls a function of its own, as asgiref's SyncToAsync."""
    is_object = not issubclass(type(value), type | ModuleType | FunctionType)
    return is_object and "func" in _attributes_of(value)


def _attributes_of(value: Any) -> dict[str, Any]:
    """Return the attributes of an object, whatever its class does when it is asked for them."""
    try:
        attributes = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return attributes if type(attributes) is dict else {}


def _parts_of(value: Any) -> tuple[str, ...]:
    """Return under which names a method or property has its functions, which it can exchange."""
    if type(value) is staticmethod or type(value) is classmethod:
        return ("__func__",)
    return ("fget", "fset", "fdel") if type(value) is property else ()


def _functions_in(value: Any) -> list[FunctionType]:
    """Return the functions of what stands in a namespace, as far as they are known.

    By its type: to ask a lazy object for its class can run it.
    """
    kind = type(value)
    if kind is FunctionType:
        return [value]
    if issubclass(kind, staticmethod | classmethod):
        return _functions_in(value.__func__)
    if issubclass(kind, property):
        parts = (value.fget, value.fset, value.fdel)
        return [each for part in parts for each in _functions_in(part)]
    return _functions_in(_attributes_of(value)["func"]) if _is_around_function(value) else []


def _title(place: Place) -> str:
    owner, name = place
    if isinstance(owner, ModuleType):
        return f"{owner.__name__}.{name}"
    kind = owner if isinstance(owner, type) else type(owner)
    return f"{kind.__module__}.{kind.__qualname__}.{name}"
