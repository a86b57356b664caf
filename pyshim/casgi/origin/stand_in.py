"""A function of ours in the place of somebody else's, which everybody else of casgi knows as such.

What stands in for a function does what its text says, so whoever relies on that text may rely on
ours: `change_in` compares the function behind it.
"""

from collections.abc import Callable
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary

_originals: WeakKeyDictionary[Callable[..., Any], Any] = WeakKeyDictionary()


class StandIn:
    """One function of ours for one in the namespace of a class, from `install` to `remove`.

    Attributes:
        original: what was there.

    """

    def __init__(self, owner: type, name: str, ours: Callable[..., Any]) -> None:
        self._owner = owner
        self._name = name
        self._ours = ours
        self.original: Any = vars(owner)[name]

    def install(self) -> None:
        """Put ours there."""
        _originals[self._ours] = self.original
        setattr(self._owner, self._name, self._ours)

    def remove(self) -> None:
        """Put back what was there, unless somebody has put something else there meanwhile."""
        if self.is_installed():
            setattr(self._owner, self._name, self.original)

    def is_installed(self) -> bool:
        """Whether ours is there now."""
        return vars(self._owner).get(self._name) is self._ours


def original_of(value: Any) -> Any:
    """Return what a function of ours stands in for; of anything else, itself."""
    while type(value) is FunctionType and value in _originals:
        value = _originals[value]
    return value
