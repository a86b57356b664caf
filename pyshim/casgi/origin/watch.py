"""Whether some names still stand for what they stood for, functions unchanged: for hot paths.

It compares identities, and of functions the code and the defaults. It knows nothing of files: a
watch is made when `change_in` has found all to be as it should be.
"""

from collections.abc import Iterable, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any, TypeAlias

Place: TypeAlias = tuple[ModuleType | type, str]
"""A name, and the module or class in whose namespace it is."""
_Parts: TypeAlias = tuple[
    FunctionType, CodeType, tuple[Any, ...] | None, dict[str, Any] | None, tuple[Any, ...]
]

_ABSENT = object()


class Watch:
    """What some names stand for now; a name may stand for nothing."""

    __slots__ = ("_states",)

    def __init__(self, places: Iterable[Place]) -> None:
        self._states = tuple(map(_state_of, places))

    def holds(self) -> bool:
        """Whether all is as it was when the watch was made. Calls nothing of the application's."""
        return self.change() is None

    def change(self) -> str | None:
        """Return the first name that has changed, as for a log line, or None."""
        for namespace, name, value, functions, owner in self._states:
            if namespace.get(name, _ABSENT) is not value:
                return f"{owner}.{name} was replaced"
            for function, code, defaults, by_keyword, values in functions:
                if function.__code__ is not code or function.__defaults__ is not defaults:
                    return f"{owner}.{name} was changed"
                if function.__kwdefaults__ is not by_keyword:
                    return f"{owner}.{name} was changed"
                if by_keyword and not _are_same(tuple(by_keyword.values()), values):
                    return f"{owner}.{name} was changed"
        return None


def _state_of(
    place: Place,
) -> tuple[Mapping[str, Any], str, object, tuple[_Parts, ...], str]:
    owner, name = place
    namespace = vars(owner)
    value = namespace.get(name, _ABSENT)
    functions = tuple(map(_parts_of, _functions_in(value)))
    is_class = isinstance(owner, type)
    title = f"{owner.__module__}.{owner.__qualname__}" if is_class else owner.__name__
    return namespace, name, value, functions, title


def _functions_in(value: object) -> list[FunctionType]:
    """Return the functions of a function, method or property as it stands in a namespace."""
    match value:
        case FunctionType():
            return [value]
        case staticmethod() | classmethod():
            return _functions_in(value.__func__)
        case property():
            parts = (value.fget, value.fset, value.fdel)
            return [each for part in parts for each in _functions_in(part)]
    return []


def _parts_of(function: FunctionType) -> _Parts:
    """Return what of a function can be assigned or changed and has an effect."""
    by_keyword = function.__kwdefaults__
    values = tuple((by_keyword or {}).values())
    return function, function.__code__, function.__defaults__, by_keyword, values


def _are_same(some: tuple[Any, ...], others: tuple[Any, ...]) -> bool:
    return len(some) == len(others) and all(
        one is other for one, other in zip(some, others, strict=True)
    )
