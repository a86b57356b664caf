"""Objects of Channels, asgiref and Django that are relied on together.

Each is looked at once for being what its file defines, and watched from then on.
"""

import importlib
from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import Any

from casgi.origin import Place, Watch, change_in, hidden_name, method_names, places_read_by

LOOKUP = ("__getattribute__", "__getattr__")
"""By which a class answers for its attributes."""


class Part:
    """Some objects that are relied on together."""

    def __init__(
        self,
        names: Mapping[str, tuple[str, ...]],
        absent: Mapping[tuple[str, str], tuple[str, ...]] | None = None,
        objects: Mapping[tuple[str, str], tuple[str, str]] | None = None,
    ) -> None:
        """Take names by the module that defines them, and what else is relied on.

        Args:
            names: as `casgi.origin.change_in` takes them.
            absent: names that a class must not have, by (module, class).
            objects: what is an object of exactly a class, and hides no method of that: by
                (module, name), the class as (module, name).

        """
        self.names = names
        self.absent = absent or {}
        self.objects = objects or {}

    def change(self) -> str | None:
        """Return what of it is not as its file defines it, as for a log line; None: nothing."""
        for module, names in self.names.items():
            change = change_in(module, names)
            if change is not None:
                return change
        for owner, name in self._absent():
            if name in vars(owner):
                return f"{owner.__module__}.{owner.__qualname__}.{name} was added"
        for title, value, kind in self._objects():
            hidden = hidden_name(value) if type(value) is kind else ""
            if hidden is not None:
                return f"{title} has a {hidden} of its own" if hidden else f"{title} was replaced"
        return None

    def watch(self) -> Watch:
        """Return a watch over it, as it is now, and over the global names that functions read."""
        places = list(self.places())
        read = (each for place in places for each in places_read_by(place))
        return Watch([*places, *read, *self._absent(), *self._of_objects()])

    def places(self) -> Iterator[Place]:
        """Yield where its objects are: names in modules and classes, functions of classes too."""
        for module_name, names in self.names.items():
            module = importlib.import_module(module_name)
            for name in names:
                owner_name, _, attribute = name.rpartition(".")
                owner = getattr(module, owner_name) if owner_name else module
                yield owner, attribute
                value = vars(owner)[attribute]
                if isinstance(value, type) and value.__module__ == module_name:
                    yield from ((value, each) for each in _functions(value))
                    yield from ((value, each) for each in LOOKUP)

    def _objects(self) -> Iterator[tuple[str, Any, type]]:
        for (module, name), (home, kind) in self.objects.items():
            value = getattr(importlib.import_module(module), name)
            yield f"{module}.{name}", value, getattr(importlib.import_module(home), kind)

    def _of_objects(self) -> Iterator[Place]:
        for module, name in self.objects:
            yield importlib.import_module(module), name
        for _, value, kind in self._objects():
            yield from ((value, each) for each in method_names(kind))

    def _absent(self) -> Iterator[tuple[type, str]]:
        for (module, owner), names in self.absent.items():
            for name in names:
                yield getattr(importlib.import_module(module), owner), name


def _functions(owner: type) -> list[str]:
    kinds = (FunctionType, staticmethod, classmethod, property)
    return [name for name, value in vars(owner).items() if isinstance(value, kinds)]
