"""Whether some names still stand for what they stood for, functions unchanged: for hot paths.

It compares identities, and of functions the code and the defaults, in C. It knows nothing of files:
a watch is made when `change_in` has found all to be as it should be.
"""

from collections.abc import Callable, Iterable, Iterator
from types import FunctionType, ModuleType
from typing import Any, TypeAlias

from casgi import _core

Place: TypeAlias = tuple[ModuleType | type, str]
"""A name, and the module or class in whose namespace it is."""
_Fact: TypeAlias = tuple[int, object, str, object]

# As enum fact_kind in csrc/channels/facts.c.
_NAME, _ABSENT, _SIZE, _CODE, _DEFAULTS, _KEYWORD_DEFAULTS = 0, 1, 2, 5, 6, 7


class Watch:
    """What some names stand for now; a name may stand for nothing."""

    __slots__ = ("_titles", "facts", "holds")

    holds: Callable[[], bool]
    """Whether all is as it was when the watch was made. Calls nothing of the application's."""

    def __init__(self, places: Iterable[Place]) -> None:
        # One function is often there under several names.
        found: dict[tuple[int, int, str, int], tuple[_Fact, str]] = {}
        for place in places:
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


def _facts_of(place: Place) -> Iterator[_Fact]:
    owner, name = place
    # The namespace of a class is read through the class: what vars() gives for it is no dict.
    holder = owner if isinstance(owner, type) else vars(owner)
    if name not in vars(owner):
        yield _ABSENT, holder, name, None
        return
    value = vars(owner)[name]
    yield _NAME, holder, name, value
    for function in _functions_in(value):
        by_keyword = function.__kwdefaults__
        yield _CODE, function, "", function.__code__
        # Defaults where there were none change nothing for who has called it until now.
        if function.__defaults__:
            yield _DEFAULTS, function, "", function.__defaults__
        if by_keyword:
            yield _KEYWORD_DEFAULTS, function, "", by_keyword
            yield _SIZE, by_keyword, "", len(by_keyword)
            yield from ((_NAME, by_keyword, each, value) for each, value in by_keyword.items())


def _functions_in(value: Any) -> list[FunctionType]:
    """Return the functions of what stands in a namespace, as far as they are known."""
    match value:
        case FunctionType():
            return [value]
        case staticmethod() | classmethod():
            return _functions_in(value.__func__)
        case property():
            parts = (value.fget, value.fset, value.fdel)
            return [each for part in parts for each in _functions_in(part)]
    return []


def _title(place: Place) -> str:
    owner, name = place
    is_class = isinstance(owner, type)
    return (
        f"{owner.__module__}.{owner.__qualname__}.{name}"
        if is_class
        else f"{owner.__name__}.{name}"
    )
